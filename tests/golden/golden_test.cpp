// Every vector is a test of its own. A case in ignore.txt must fail: the list can only shrink.
#include <algorithm>
#include <cstdlib>

#include "base/digest.hpp"
#include "cases.hpp"
#include "compare.hpp"
#include "gtest/gtest.h"
#include "pugixml.hpp"
#include "server/wire/cbor_reader.hpp"
#include "server/wire/protocol.hpp"

namespace sagelet::golden {
namespace {

using nlohmann::json;

http::Head head_of(const json& request, const model::Operation& operation) {
  http::Head head{.method = request.value("method", std::string(operation.http_method)),
                  .target = request.value("uri", "/")};
  const json headers = request.value("headers", json::object());
  for (const auto& [name, value] : headers.items()) {
    head.headers.add(name, value.get<std::string>());
  }
  return head;
}

bool is_rpc(const Case& one) {
  return one.service().protocol != model::ProtocolKind::kRestJson &&
         one.service().protocol != model::ProtocolKind::kRestXml;
}

bool is_cbor(const Case& one) {
  return one.service().protocol == model::ProtocolKind::kRpcCbor;
}

/// As it stands on the wire; the vectors of binary protocols keep it as base64.
std::string wire_body(const Case& one, const json& message) {
  const std::string text = message.value("body", "");
  std::string bytes;
  if (!is_cbor(one)) return text;
  if (!from_base64(text, bytes)) throw std::runtime_error("the vector's body is no base64");
  return bytes;
}

/// Where our reading of the request differs from the case's parameters.
std::string run_input(const Case& one) {
  const auto& protocol = wire::protocol_of(one.service().protocol);
  const json& request = one.source.at("serialized");
  const http::Head head = head_of(request, one.operation());
  const std::string body = wire_body(one, request);
  auto match = protocol.match(one.service(), head, head.target, body);
  // Vectors may leave the target out; the oldest have no action either.
  const bool bare = one.name.starts_with("legacy/") || !head.headers.has("X-Amz-Target");
  if (!match && bare && is_rpc(one)) match = wire::Match{.operation = &one.operation()};

  if (!match) return "no match: " + match.error().message;
  auto params = protocol.parse(*match, head, head.target, body);
  if (!params) return "refused: " + params.error().code + ": " + params.error().message;
  const model::Shape* input = match->operation->input;
  if (input == nullptr) return "";
  if (input->payload != nullptr && (input->payload->streaming || input->payload->shape->streaming)) {
    (*params)[std::string(input->payload->name)] =
        json::binary({body.begin(), body.end()});  // the sink's, not ours
  }
  return compare_params(*input, one.source.value("params", json::object()), *params);
}

std::string body_of(const http::Response& response) {
  const auto* text = std::get_if<std::string>(&response.body);
  return text == nullptr ? "" : *text;
}

/// Without the blanks around commas.
std::string tight(std::string_view list) {
  std::string out;
  for (const char c : list) {
    if (c != ' ') out += c;
  }
  return out;
}

std::string compare_headers(const json& expected, const http::Response& ours) {
  for (const auto& [name, value] : expected.items()) {
    if (http::same_name(name, "Content-Type") || http::same_name(name, "X-Amz-Target") ||
        http::same_name(name, "Content-Length"))
      continue;
    if (http::same_name(name, "X-Amzn-Requestid")) continue;
    const auto found = ours.headers.find(name);
    if (!found) return "header " + name + " is missing";
    if (!same_text(value.get<std::string>(), *found) && tight(value.get<std::string>()) != tight(*found)) {
      return "header " + name + ": expected " + value.get<std::string>() + ", ours " + std::string(*found);
    }
  }
  return "";
}

/// Ours and the vector's must both mean the case's result. The reader is held by the input cases.
std::string compare_cbor(const Case& one, const std::string& expected, const std::string& ours) {
  const model::Shape* shape = one.operation().output;
  if (shape == nullptr) return "";
  for (const std::string& bytes : {expected, ours}) {
    const auto read = wire::read_cbor(*shape, bytes);
    if (!read) return read.error().message;
    if (auto problem = compare_params(*shape, one.source.at("result"), *read); !problem.empty())
      return problem;
  }
  return "";
}

std::string compare_bodies(const Case& one, const std::string& expected, const std::string& ours) {
  if (is_cbor(one)) return compare_cbor(one, expected, ours);
  const model::Shape* shape = one.operation().output;
  const model::Member* payload = shape == nullptr ? nullptr : shape->payload;
  if (payload != nullptr) shape = payload->shape;
  const bool bytes =
      payload != nullptr && (shape->kind == model::Kind::kBlob || shape->kind == model::Kind::kString);
  if (bytes) return expected == ours ? "" : "payload: " + ours;
  const bool xml = one.service().protocol == model::ProtocolKind::kRestXml ||
                   one.service().protocol == model::ProtocolKind::kQuery;
  if (expected.find_first_not_of(" \n") == std::string::npos || shape == nullptr) return "";
  if (xml) return compare_xml(expected, ours);
  const json parsed = json::parse(ours.empty() ? "{}" : ours, nullptr, false);
  if (parsed.is_discarded()) return "ours is no JSON: " + ours;
  return compare_json(shape, json::parse(expected), parsed);
}

std::string run_output(const Case& one) {
  Output output;
  const json& result = one.source.at("result");
  if (one.operation().output != nullptr) output.fields = document_of(*one.operation().output, result);
  const json& expected = one.source.at("response");
  const http::Response ours = wire::protocol_of(one.service().protocol)
                                  .serialise(one.service(), one.operation(), std::move(output), "request-id");
  if (ours.status != expected.value("status_code", 200)) return "status " + std::to_string(ours.status);
  auto problem = compare_headers(expected.value("headers", json::object()), ours);
  if (!problem.empty()) return problem;
  problem = compare_bodies(one, wire_body(one, expected), body_of(ours));
  const std::string shown = is_cbor(one) ? to_base64(body_of(ours)) : body_of(ours);
  return problem.empty() ? "" : problem + "\n  we wrote " + shown;
}

/// A client's view of an error answer of ours: the code and the members, read by element or key.
struct ErrorView {
  std::string code;
  std::map<std::string, std::string> members;
};

ErrorView view_xml(const std::string& body) {
  pugi::xml_document document;
  document.load_string(body.c_str());
  const pugi::xml_node root = document.document_element();
  const pugi::xml_node error = root.child("Error") ? root.child("Error") : root;
  ErrorView view{.code = error.child("Code").text().get()};
  for (const pugi::xml_node child : error.children()) view.members[child.name()] = child.text().get();
  return view;
}

ErrorView view_json(const http::Response& response, const json& body) {
  ErrorView view{.code = body.value("__type", std::string(response.headers.get("x-amzn-errortype")))};
  for (const auto& [name, value] : body.items())
    view.members[name] = value.is_string() ? value.get<std::string>() : value.dump();
  return view;
}

std::string run_error(const Case& one) {
  const json& source = one.source;
  api::Error error = api::Error::make(source.value("errorCode", ""), source.value("errorMessage", ""));
  const json& response = source.at("response");
  if (response.value("status_code", 400) >= 500) error.fault = true;
  for (const auto& [name, value] : source.at("error").items()) {
    if (!value.is_string()) return "nested error members are not carried";
    if (value.get<std::string>() != error.message) error.members.emplace_back(name, value.get<std::string>());
  }
  const auto kind = one.service().protocol;
  const http::Response ours =
      wire::protocol_of(kind).serialise_error(one.service(), &one.operation(), error, "request-id", false);
  const bool xml = kind == model::ProtocolKind::kRestXml || kind == model::ProtocolKind::kQuery;
  const ErrorView view = xml            ? view_xml(body_of(ours))
                         : is_cbor(one) ? view_json(ours, json::from_cbor(body_of(ours)))
                                        : view_json(ours, json::parse(body_of(ours), nullptr, false));
  if (ours.status != response.value("status_code", 400)) return "status " + std::to_string(ours.status);
  // A code of the query protocol's own has a header for itself.
  const json headers = response.value("headers", json::object());
  const std::string query_code = headers.value("x-amzn-query-error", "");
  if (ours.headers.get("x-amzn-query-error") != query_code && !query_code.empty())
    return "query code " + std::string(ours.headers.get("x-amzn-query-error"));
  if (view.code != error.code) return "code " + view.code + " in " + body_of(ours);
  for (const auto& [name, value] : source.at("error").items()) {
    const auto found = view.members.find(name);
    if (found == view.members.end() || found->second != value.get<std::string>())
      return "member " + name + " in " + body_of(ours);
  }
  return "";
}

std::string run(const Case& one) {
  try {
    return one.input ? run_input(one) : one.wants_error ? run_error(one) : run_output(one);
  } catch (const std::exception& problem) {
    return std::string("exception: ") + problem.what();
  }
}

class VectorTest : public testing::Test {
 public:
  VectorTest(Case one, bool ignored) : case_(std::move(one)), ignored_(ignored) {}
  void TestBody() override {
    const std::string problem = run(case_);
    if (ignored_) {
      EXPECT_NE(problem, "") << case_.name << " passes now: take it out of ignore.txt";
      return;
    }
    EXPECT_EQ(problem, "") << case_.name << "\n" << case_.source.dump(1).substr(0, 6000);
  }

 private:
  const Case case_;
  const bool ignored_;
};

std::string test_name(std::string name) {
  std::replace_if(
      name.begin(), name.end(), [](char c) { return std::isalnum(static_cast<unsigned char>(c)) == 0; }, '_');
  return name;
}

void register_all(const std::filesystem::path& folder) {
  const auto ignored = load_ignored(SAGELET_GOLDEN_IGNORE);
  std::vector<std::string> unused = ignored;
  for (const Case& one : load_cases(folder)) {
    const bool skip = std::ranges::find(ignored, one.name) != ignored.end();
    std::erase(unused, one.name);
    testing::RegisterTest("Vectors", test_name(one.name).c_str(), nullptr, nullptr, __FILE__, __LINE__,
                          [one, skip]() -> testing::Test* { return new VectorTest(one, skip); });
  }
  for (const std::string& name : unused) std::fprintf(stderr, "ignore.txt names no case: %s\n", name.c_str());
  if (!unused.empty()) std::exit(1);
}

}  // namespace
}  // namespace sagelet::golden

int main(int argc, char** argv) {
  testing::InitGoogleTest(&argc, argv);
  const char* folder = std::getenv("SAGELET_VECTORS");
  if (folder == nullptr) {
    std::puts("skipped: SAGELET_VECTORS does not name the vectors' folder (tests/golden/fetch.sh prints it)");
    return 77;
  }
  sagelet::golden::register_all(folder);
  return RUN_ALL_TESTS();
}
