#include "server/services/s3/list_page.hpp"

#include "server/services/s3/s3.hpp"

namespace sagelet::s3 {

Reply<bool> wants_url(const Input& in) {
  const auto& encoding = in.text("EncodingType");
  if (!encoding.empty() && encoding != "url")
    return errors::invalid_argument("Invalid Encoding Method specified in Request", "encoding-type",
                                    encoding);
  return encoding == "url";
}

void write_text(model::Writer& to, std::string_view member, std::string_view value) {
  to.member(member);
  to.text(value);
}

void write_user(model::Writer& to, std::string_view member, const User& user) {
  to.member(member);
  to.begin_structure();
  if (!user.name.empty()) write_text(to, "DisplayName", user.name);
  write_text(to, "ID", user.id);
  to.end_structure();
}

void write_content(model::Writer& to, const storage::ListedObject& object) {
  write_text(to, "ETag", quoted_etag(object.etag));
  if (const auto checksum = StoredChecksum::from(object.checksum)) {
    to.member("ChecksumAlgorithm");
    to.begin_list();
    to.text(algorithm_name(checksum->kind));
    to.end_list();
    write_text(to, "ChecksumType", checksum->type());
  }
  to.member("Size");
  to.integer(static_cast<std::int64_t>(object.size));
}

void write_prefixes(model::Writer& to, std::int64_t max_keys, const std::vector<std::string>& prefixes,
                    const std::function<std::string(std::string_view)>& spelled) {
  to.member("MaxKeys");
  to.integer(max_keys);
  to.member("CommonPrefixes");
  to.begin_list();
  for (const auto& prefix : prefixes) {
    to.begin_structure();
    write_text(to, "Prefix", spelled(prefix));
    to.end_structure();
  }
  to.end_list();
}

}  // namespace sagelet::s3
