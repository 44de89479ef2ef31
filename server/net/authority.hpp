#pragma once
// The private certificate authority, and the TLS contexts of the names we serve through CONNECT.
#include <filesystem>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>

#include "base/result.hpp"
#include "server/net/transport.hpp"

namespace sagelet::net {

/// Nothing is read, made or even initialised before the first call. Thread-safe.
class Authority {
 public:
  /// An empty folder: the authority lives in memory only and dies with this object.
  explicit Authority(std::filesystem::path folder);
  ~Authority();
  Authority(const Authority&) = delete;

  /// Its certificate in PEM.
  Result<std::string> certificate();
  /// The server's side of a TLS connection as `host`, by a leaf certificate signed at first need.
  Result<SslPtr> accept_as(std::string_view host);

 private:
  struct State;
  Result<State*> state();

  std::filesystem::path folder_;
  std::mutex mutex_;
  std::unique_ptr<State> state_;
};

}  // namespace sagelet::net
