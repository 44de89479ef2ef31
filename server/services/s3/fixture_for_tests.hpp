#pragma once
// The handlers, called as the gateway calls them: params in, Output or error out. No HTTP, no XML. For tests
// only.
#include "server/services/s3/s3.hpp"

#include "fmt/format.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "server/services/rows_for_tests.hpp"

namespace sagelet::s3 {
class FixedClock final : public Clock {
 public:
  WallTime now() const override { return time; }
  SteadyTime steady() const override { return {}; }
  WallTime time = from_millis(1'700'000'000'500);
};

struct Answer {
  std::string code;  ///< "" when it went well
  int status = 200;
  Document fields;
  std::string body;
  std::string message;
  Document error_members;
};

inline std::string bytes_of(const http::Body& body) {
  if (const auto* text = std::get_if<std::string>(&body)) return *text;
  if (const auto* range = std::get_if<http::FileRange>(&body)) {
    std::string bytes(range->length, '\0');
    EXPECT_TRUE(pread_all(range->file->get(), bytes, range->offset));
    return bytes;
  }
  std::string bytes;
  if (const auto* stream = std::get_if<std::shared_ptr<http::PullStream>>(&body)) {
    std::string piece(10'000, '\0');
    for (auto got = (*stream)->read(piece); got && *got > 0; got = (*stream)->read(piece))
      bytes.append(piece, 0, *got);
  }
  return bytes;
}

class S3Test : public testing::TestWithParam<storage::Durability> {
 protected:
  void SetUp() override {
    auto made = TempFolder::make(fs::temp_directory_path(), "s3");
    ASSERT_TRUE(made);
    folder_.emplace(std::move(*made));
    const auto seed = folder_->path() / "seed";
    ASSERT_TRUE(make_folders(seed / "datasets/iris"));
    ASSERT_TRUE(write_file(seed / "datasets/iris/iris.data", "5.1,3.5,1.4,0.2,Iris-setosa\n"));
    auto opened = storage::Ledger::open(folder_->path() / "ledger.db", GetParam());
    ASSERT_TRUE(opened);
    ledger_ = std::move(*opened);
    auto store = storage::ObjectStore::open(folder_->path() / "objects", *ledger_);
    ASSERT_TRUE(store);
    store_ = std::move(*store);
    S3Options options;
    options.seeds.push_back({"sample", seed});
    auto s3 = make_s3(std::move(options), *store_, clock, ids_);
    ASSERT_TRUE(s3) << s3.error().message();
    s3_ = std::move(*s3);
    ASSERT_EQ(call("CreateBucket", {{"Bucket", "bucket"}}).code, "");
  }

  Context context() {
    Context made;
    made.identity.account = AccountId(account);
    made.identity.access_key = access_key;
    made.region = Region(region);
    made.clock = &clock;
    made.ids = &ids_;
    made.head = &head;
    made.signed_payload_sha256 = payload_sha256;
    made.base_url = "http://127.0.0.1:4577";
    return made;
  }

  static Answer failed(const api::Error& error) {
    Answer answer;
    answer.code = error.code;
    answer.status = error.status;
    answer.message = error.message;
    for (const auto& [name, value] : error.members) answer.error_members[name] = value;
    return answer;
  }

  Answer finish(Reply<Output> output) {
    if (!output) return failed(output.error());
    if (output->after)
      if (const auto status = output->after->wait(); !status) return failed(output->failed(status.error()));
    Answer answer;
    answer.status = output->status == 0 ? 200 : output->status;
    answer.fields = output->fields;
    if (output->rows) {
      RowsReader rows;
      output->rows(rows);
      answer.fields = rows.take();
    }
    if (output->payload) answer.body = bytes_of(*output->payload);
    if (output->content_length_only) answer.fields["length"] = *output->content_length_only;
    return answer;
  }

  Answer call(std::string_view name, Document params, std::optional<std::string> body = std::nullopt,
              const std::vector<std::pair<std::string, std::string>>& trailers = {}) {
    const auto* operation = s3_.service->model().operation(name);
    const auto* handler = s3_.service->handler(*operation);
    auto surroundings = context();
    Input in;
    in.params = std::move(params);
    if (body) {
      auto sink = s3_.service->sink(surroundings, *operation, in.params, body->size());
      if (!sink) return failed(sink.error());
      EXPECT_TRUE((*sink)->write(std::string_view(*body).substr(0, body->size() / 3)));
      EXPECT_TRUE((*sink)->write(std::string_view(*body).substr(body->size() / 3)));
      if (!trailers.empty()) dynamic_cast<TrailerSink&>(**sink).trailers(trailers);
      in.sink = std::move(*sink);
    }
    return finish(handler->call(surroundings, std::move(in)));
  }

  Answer put(const std::string& key, const std::string& body, Document more = Document::object()) {
    more.update({{"Bucket", "bucket"}, {"Key", key}});
    return call("PutObject", std::move(more), body);
  }
  Answer get(const std::string& key, Document more = Document::object()) {
    more.update({{"Bucket", "bucket"}, {"Key", key}});
    return call("GetObject", std::move(more));
  }
  std::vector<std::string> keys(const Answer& answer) {
    std::vector<std::string> found;
    for (const auto& one : answer.fields.at("Contents")) found.push_back(one.at("Key"));
    return found;
  }

  FixedClock clock;
  std::string account = "123456789012";
  std::string access_key = "AKID";  ///< empty: nobody signed
  std::string region = "us-east-1";
  std::string payload_sha256;
  http::Head head;
  S3 s3_;
  std::unique_ptr<storage::ObjectStore> store_;

  void TearDown() override {
    s3_ = {};
    store_.reset();
    ledger_.reset();
  }

 private:
  std::optional<TempFolder> folder_;
  std::unique_ptr<storage::Ledger> ledger_;
  RandomIds ids_;
};

inline const std::string kLarge(100'000, 'L');
inline const std::string kFive(5 << 20, '5');

}  // namespace sagelet::s3
