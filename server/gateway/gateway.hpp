#pragma once
// The life of a request, from head to answer. gateway.cpp has it as one ordered list; read that first.
#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "base/ids.hpp"
#include "server/auth/auth.hpp"
#include "server/gateway/admin/admin.hpp"
#include "server/gateway/door.hpp"
#include "server/http/exchange.hpp"
#include "server/services/ports.hpp"
#include "server/services/service.hpp"

namespace sagelet::gateway {

struct Options {
  std::string default_region = "us-east-1";
  std::string server_host = "127.0.0.1";  ///< --host: its sub-names are virtual-host style buckets
  std::size_t body_limit = 16u << 20;     ///< bodies that are gathered in memory; streams have none here
  CorsView* cors = nullptr;               ///< of the buckets; none: no page of another site may read them
  Door* door = nullptr;                   ///< judges what has a visit; none: nothing has
  http::ExchangeFactory registry;         ///< takes what is_for_registry(); none: nothing does
};

/// Counted for /_sagelet/metrics. Relaxed: figures, not facts to decide on.
struct Counters {
  std::atomic<std::uint64_t> requests{0}, client_errors{0}, server_errors{0};
};

/// Thread-safe once made. Outlives every exchange it gave out.
class Gateway {
 public:
  Gateway(Options options, const auth::Authenticator& authenticator, admin::Admin admin, const Clock& clock,
          Ids& ids);

  /// Before the first request. The gateway keeps the pointer, not the service.
  void add(Service* service);
  std::unique_ptr<http::Exchange> exchange();

  Service* service(std::string_view name) const;  ///< null when it is not there
  const Options& options() const { return options_; }
  const auth::Authenticator& authenticator() const { return authenticator_; }
  const admin::Admin& admin() const { return admin_; }
  const Clock& clock() const { return clock_; }
  Ids& ids() const { return ids_; }
  Counters& counters() { return counters_; }

 private:
  Options options_;
  const auth::Authenticator& authenticator_;
  admin::Admin admin_;
  const Clock& clock_;
  Ids& ids_;
  Counters counters_;
  std::vector<Service*> services_;
};

}  // namespace sagelet::gateway
