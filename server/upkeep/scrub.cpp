#include "server/upkeep/scrub.hpp"

#include <algorithm>

#include "fmt/format.h"
#include "nlohmann/json.hpp"
#include "server/storage/ledger_copy.hpp"
#include "server/upkeep/body_check.hpp"

namespace sagelet::upkeep {

namespace {

using storage::Connection;
using storage::HeldAfter;
using storage::HeldObject;
using storage::HeldUpload;

nlohmann::json shown(const Finding& finding) {
  nlohmann::json out{{"problem", finding.problem}};
  if (!finding.bucket.empty()) out["bucket"] = finding.bucket;
  if (!finding.key.empty()) out["key"] = finding.key;
  if (!finding.version.empty()) out["version"] = finding.version;
  if (!finding.upload.empty()) out["upload"] = finding.upload;
  if (finding.part != 0) out["part"] = finding.part;
  return out;
}

}  // namespace

std::string ScrubReport::json(std::string_view state, std::string_view failure) const {
  nlohmann::json out{{"state", state},
                     {"objects", objects},
                     {"bytes", bytes},
                     {"problems", problems},
                     {"findings", nlohmann::json::array()}};
  for (const auto& finding : findings) out["findings"].push_back(shown(finding));
  if (!failure.empty()) out["failure"] = failure;
  // A key is bytes.
  return out.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
}

ScrubReport Scrub::report() const {
  const std::lock_guard lock(mutex_);
  return report_;
}

void Scrub::count(std::uint64_t bytes) {
  const std::lock_guard lock(mutex_);
  ++report_.objects;
  report_.bytes += bytes;
}

void Scrub::add(Finding finding) {
  const std::lock_guard lock(mutex_);
  ++report_.problems;
  if (report_.findings.size() < kMostFindings) report_.findings.push_back(std::move(finding));
}

Status Scrub::go_on() const {
  if (stopping_) return Error(ErrorKind::kCancelled, "the scrub was stopped");
  return {};
}

Status Scrub::run() {
  TRY(walk_objects());
  TRY(walk_versions());
  TRY(walk_uploads());
  TRY(find_strays());
  if (users_ == Users::kOthers) return {};
  TRY(find_ownerless());
  return check_ledger();
}

template <class Page>
Status Scrub::read_page(Page& page, Result<Page> (*next)(Connection&, const HeldAfter&),
                        const HeldAfter& after) {
  return store_.ledger().read([&](Connection& db) -> Status {
    TRY(page, next(db, after));
    return {};
  });
}

Status Scrub::walk_objects() {
  HeldAfter after;
  while (true) {
    std::vector<HeldObject> page;
    TRY(read_page(page, storage::objects_after, after));
    if (page.empty()) return {};
    for (const auto& object : page) TRY(check(object));
    after = {page.back().bucket.id, page.back().row.key, {}};
  }
}

Status Scrub::walk_versions() {
  HeldAfter after;
  while (true) {
    std::vector<HeldObject> page;
    TRY(read_page(page, storage::versions_after, after));
    if (page.empty()) return {};
    for (const auto& version : page) TRY(check(version));
    after = {page.back().bucket.id, page.back().row.key, page.back().row.version};
  }
}

Status Scrub::walk_uploads() {
  HeldAfter after;
  while (true) {
    std::vector<HeldUpload> page;
    TRY(read_page(page, storage::uploads_after, after));
    if (page.empty()) return {};
    for (const auto& upload : page)
      for (const auto& part : upload.parts) TRY(check(upload, part));
    after = {page.back().bucket.id, page.back().upload.key, page.back().upload.id};
  }
}

/// What was replaced while it was read is no finding: its bytes may be gone already.
Status Scrub::check(const HeldObject& object) {
  TRY(go_on());
  if (users_ == Users::kAlone) {
    if (object.row.body != 0) owned_.push_back(object.row.body);
    for (const auto& part : storage::unpack_parts(object.row.parts)) owned_.push_back(part.body);
  }
  std::uint64_t bytes = 0;
  TRY(const auto differences, compare(store_, object, bytes));
  count(bytes);
  if (differences.empty()) return {};
  bool still = false;
  TRY(store_.ledger().read([&](Connection& db) -> Status {
    TRY(still, storage::still_held(db, object));
    return {};
  }));
  for (const auto& [part, problem] : differences)
    if (still) add({object.bucket.name, object.row.key, object.row.version, {}, part, problem});
  return {};
}

Status Scrub::check(const HeldUpload& upload, const storage::PartRow& part) {
  TRY(go_on());
  if (users_ == Users::kAlone && part.body != 0) owned_.push_back(part.body);
  const auto planned = s3::StoredChecksum::from(upload.upload.checksum);
  TRY(auto read, read_and_compare(store_, {part.size, part.body, part.checksum, upload.upload.properties},
                                  planned ? std::optional(planned->kind) : std::nullopt, nullptr));
  count(read.size);
  if (read.problem.empty() && read.etag != part.etag)
    read.problem = fmt::format("its ETag is {}, its bytes say {}", part.etag, read.etag);
  if (read.problem.empty()) return {};
  bool still = false;
  TRY(store_.ledger().read([&](Connection& db) -> Status {
    TRY(still, storage::still_held(db, upload.upload.id, part));
    return {};
  }));
  if (still) add({upload.bucket.name, upload.upload.key, {}, upload.upload.id, part.number, read.problem});
  return {};
}

Status Scrub::find_strays() {
  TRY(const auto strays, store_.strays());
  for (const auto id : strays)
    add({.problem = fmt::format("the file {} belongs to no object", store_.path_of(id).native())});
  return {};
}

Status Scrub::find_ownerless() {
  std::sort(owned_.begin(), owned_.end());
  BodyId after = 0;
  while (true) {
    std::vector<BodyId> page;
    TRY(store_.ledger().read([&](Connection& db) -> Status {
      TRY(page, storage::bodies_after(db, after));
      return {};
    }));
    if (page.empty()) return {};
    for (const auto id : page)
      if (!std::binary_search(owned_.begin(), owned_.end(), id))
        add({.problem = fmt::format("body {:016x} in the ledger belongs to no object", id)});
    after = page.back();
  }
}

Status Scrub::check_ledger() {
  TRY(const auto wrong, storage::check_ledger(store_.ledger()));
  for (const auto& line : wrong) add({.problem = "the ledger: " + line});
  return {};
}

}  // namespace sagelet::upkeep
