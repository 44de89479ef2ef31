#pragma once
// The OCI distribution API under /v2/: what `docker push` and `docker pull` speak. One exchange a request.
#include <functional>
#include <memory>
#include <string>

#include "base/clock.hpp"
#include "server/http/exchange.hpp"
#include "server/images/store.hpp"
#include "server/services/layer_urls.hpp"
#include "server/services/ports.hpp"

namespace sagelet::registry {

struct RegistryOptions {
  bool strict = false;  ///< a login must be one that GetAuthorizationToken gave, and has not ended
  std::string account = "000000000000";  ///< of names without an account: 127.0.0.1:4577/name
  std::string region = "us-east-1";
};

/// Thread-safe; outlives every exchange it gave out.
class Registry {
 public:
  Registry(RegistryOptions options, images::ImageStore& store, CredentialStore& credentials,
           const Clock& clock, Ids& ids)
      : options_(std::move(options)),
        store_(store),
        credentials_(credentials),
        clock_(clock),
        layer_urls_(clock, ids) {}

  std::unique_ptr<http::Exchange> exchange();

  const RegistryOptions& options() const { return options_; }
  images::ImageStore& store() { return store_; }
  CredentialStore& credentials() { return credentials_; }
  const Clock& clock() const { return clock_; }
  const LayerUrls& layer_urls() const { return layer_urls_; }

 private:
  RegistryOptions options_;
  images::ImageStore& store_;
  CredentialStore& credentials_;
  const Clock& clock_;
  const LayerUrls layer_urls_;
};

}  // namespace sagelet::registry
