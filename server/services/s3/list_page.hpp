#pragma once
// What the lists of objects and of versions have in common on the wire.
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "server/model/call.hpp"
#include "server/model/writer.hpp"
#include "server/services/s3/access/accounts.hpp"
#include "server/storage/listing.hpp"

namespace sagelet::s3 {

/// Does a list spell its keys as EncodingType=url wants it? InvalidArgument for another encoding.
Reply<bool> wants_url(const Input& in);

void write_text(model::Writer& to, std::string_view member, std::string_view value);
/// A structure with ID and DisplayName.
void write_user(model::Writer& to, std::string_view member, const User& user);
/// ETag, checksum and size.
void write_content(model::Writer& to, const storage::ListedObject& object);
/// MaxKeys and CommonPrefixes; `spelled` is how the request wants keys written.
void write_prefixes(model::Writer& to, std::int64_t max_keys, const std::vector<std::string>& prefixes,
                    const std::function<std::string(std::string_view)>& spelled);

}  // namespace sagelet::s3
