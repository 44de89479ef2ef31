#pragma once
// Addresses of layers that need no login for a while: ECR's GetDownloadUrlForLayer makes them, the registry
// reads them.
#include <string>
#include <string_view>

#include "base/clock.hpp"
#include "base/ids.hpp"
#include "server/images/store.hpp"

namespace sagelet {

/// Signed with a key of this process: a restart ends them early. Thread-safe.
class LayerUrls {
 public:
  LayerUrls(const Clock& clock, Ids& ids) : clock_(clock), key_(ids.hex(32)) {}

  /// The query that makes the layer's address good for an hour, as long as AWS's addresses are.
  std::string sign(const images::Place& place, std::string_view digest) const;

  /// Is there a signature in a request's query, good or not?
  static bool claims(std::string_view query);
  /// False: forged, of another layer, or too late.
  bool is_good(const images::Place& place, std::string_view digest, std::string_view query) const;

 private:
  std::string signature(const images::Place& place, std::string_view digest, std::string_view expires) const;

  const Clock& clock_;
  std::string key_;
};

}  // namespace sagelet
