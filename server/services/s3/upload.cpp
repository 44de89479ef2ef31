#include "server/services/s3/upload.hpp"

#include <algorithm>
#include <cctype>

#include "fmt/format.h"
#include "server/services/s3/errors.hpp"

namespace sagelet::s3 {

namespace {

constexpr std::uint64_t kLarge = 512 * 1024;  ///< from here on another thread's help is worth a copy

/// The checksum that x-amz-trailer announces.
std::optional<ChecksumKind> announced_in_trailer(const Context& context) {
  if (context.head == nullptr) return std::nullopt;
  auto announced = context.head->headers.joined("x-amz-trailer");
  std::transform(announced.begin(), announced.end(), announced.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  for (const auto kind : kChecksumKinds) {
    const auto name = header_name(kind);
    const auto at = announced.find(name);
    if (at == std::string::npos) continue;
    const auto end = at + name.size();
    if (end == announced.size() || announced[end] == ',' || announced[end] == ' ') return kind;
  }
  return std::nullopt;
}

Reply<std::optional<std::string>> decoded_content_md5(const Document& params) {
  const auto member = params.find("ContentMD5");
  if (member == params.end() || !member->is_string()) return std::optional<std::string>();
  std::string raw;
  if (!from_base64(member->get_ref<const std::string&>(), raw) || raw.size() != 16)
    return errors::invalid_digest(member->get_ref<const std::string&>());
  return std::optional<std::string>(std::move(raw));
}

}  // namespace

Reply<BodyPlan> BodyPlan::from(const Context& context, const Document& params,
                               std::optional<std::uint64_t> length, std::optional<ChecksumKind> otherwise) {
  BodyPlan plan;
  plan.length = length;
  plan.least = context.least_body;
  plan.most = std::min(kMostBytes, context.most_body);
  plan.payload_sha256 = context.signed_payload_sha256;
  TRY(plan.content_md5, decoded_content_md5(params));
  TRY(const auto given, given_checksum(params));
  TRY(const auto named, named_algorithm(params));
  const auto trailing = announced_in_trailer(context);
  if (given) {
    plan.checksum = given->kind;
    plan.expected_checksum = given->value;
  } else {
    plan.checksum = trailing ? trailing : named ? named : otherwise;
  }
  if (given && named && *named != given->kind)
    return errors::invalid_request("Value for x-amz-sdk-checksum-algorithm header is invalid.");
  if (length && *length > kMostBytes) return errors::entity_too_large(*length, kMostBytes);
  return plan;
}

Upload::Upload(storage::Staged staged, BodyPlan plan, Writable target, Md5Lanes& lanes)
    : staged_(std::move(staged)), plan_(std::move(plan)), target_(std::move(target)) {
  if (plan_.length.value_or(kLarge) >= kLarge) md5_beside_ = lanes.stream();
  if (!plan_.payload_sha256.empty()) payload_.emplace(DigestKind::kSha256);
  if (plan_.checksum) checksum_.emplace(*plan_.checksum);
}

Status Upload::write(std::string_view bytes) {
  size_ += bytes.size();
  if (size_ > plan_.most || failure_) return {};  // finish() says so; nothing more is stored
  if (md5_beside_) {
    md5_beside_->update(bytes);
  } else {
    md5_.update(bytes);
  }
  if (payload_) payload_->update(bytes);
  if (checksum_) checksum_->update(bytes);
  if (auto staged = staged_.append(bytes); !staged) {
    failure_ = std::move(staged).error();
    staged_ = storage::Staged();
  }
  return {};
}

void Upload::trailers(const std::vector<std::pair<std::string, std::string>>& fields) {
  if (!plan_.checksum) return;
  for (const auto& [name, value] : fields)
    if (name == header_name(*plan_.checksum)) plan_.expected_checksum = value;
}

Reply<Digested> Upload::finish() {
  if (failure_) return errors::from(*failure_);
  if (size_ > plan_.most) return errors::entity_too_large(size_, plan_.most);
  if (size_ < plan_.least) return errors::entity_too_small(size_, plan_.least);
  if (plan_.length && *plan_.length != size_) return errors::incomplete_body();
  Digested digested;
  digested.md5_raw = md5_beside_ ? md5_beside_->finish() : md5_.finish();
  digested.md5_hex = to_hex(digested.md5_raw);
  if (checksum_) digested.checksum = StoredChecksum{checksum_->kind(), false, to_base64(checksum_->finish())};
  TRY(compare(digested, payload_ ? to_hex(payload_->finish()) : std::string()));
  return digested;
}

Reply<void> Upload::compare(const Digested& digested, const std::string& payload_sha256) const {
  if (!plan_.payload_sha256.empty() && payload_sha256 != plan_.payload_sha256)
    return errors::payload_hash_mismatch(plan_.payload_sha256, payload_sha256);
  if (plan_.content_md5 && *plan_.content_md5 != digested.md5_raw)
    return errors::bad_digest(to_base64(*plan_.content_md5), digested.md5_hex);
  if (!plan_.expected_checksum.empty() && digested.checksum &&
      plan_.expected_checksum != digested.checksum->value)
    return errors::bad_checksum(algorithm_name(digested.checksum->kind));
  return {};
}

}  // namespace sagelet::s3
