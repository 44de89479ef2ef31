#pragma once
// Event notifications as data: what a bucket's configuration asks for, and how an event reads. Without state.
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/ids.hpp"
#include "server/services/service.hpp"
#include "server/storage/object_rows.hpp"

namespace sagelet::s3::notifications {

/// The bucket setting that holds its NotificationConfiguration as JSON.
constexpr const char* kSetting = "notification";

/// Who did it, as records name it.
struct Actor {
  std::string principal;
  std::string address;
  std::string request_id;
};
Actor actor_of(const Context& context);

/// Something that happened to a key.
struct Event {
  std::string name;  ///< "ObjectCreated:Put", without "s3:"
  std::string key;
  std::uint64_t size = 0;
  std::string etag;
  std::string version;   ///< as clients read it; empty where there are no versions
  bool removed = false;  ///< size and ETag are not told
};

/// One entry of a configuration.
struct Target {
  std::string id;
  std::string destination;          ///< its ARN
  std::vector<std::string> events;  ///< "s3:ObjectCreated:*"
  std::string prefix, suffix;
};

/// A NotificationConfiguration of PutBucketNotificationConfiguration, checked, ids added: what is stored.
Reply<Document> configuration_from(const Document& params, Ids& ids);
std::vector<Target> targets_from(const Document& configuration);
bool wants(const Target& target, const Event& event);

/// One of Records[], as JSON. `sequencer` only grows.
std::string record_of(const Event& event, const Target& target, const storage::Bucket& bucket,
                      const Actor& actor, std::int64_t sequencer, WallTime now);

}  // namespace sagelet::s3::notifications
