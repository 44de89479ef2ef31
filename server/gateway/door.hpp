#pragma once
// The door: what comes in by the listener that the nodes of a cluster reach (`advertise:` in sagelet.yaml).
//
//   an AWS call      signed with the credentials of a job that has not ended, verified in full, whatever
//                    `auth.mode` says; presigned URLs and forms likewise; anonymous ones never
//   the proxy        with such a job's access key and session token as Proxy-Authorization: Basic
//   images (/v2/)    with a login that such a job's GetAuthorizationToken gave
//   /_sagelet/       reports (by the job's token), health, authority; nothing else
//
// What is under way when its job ends is cut.
#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "base/clock.hpp"
#include "server/auth/auth.hpp"
#include "server/http/basic.hpp"
#include "server/http/message.hpp"

namespace sagelet::gateway {

struct DoorOptions {
  auth::Options auth;            ///< of the server; the door takes no keys of it, and is strict
  std::string host;              ///< that nodes are told
  auth::SessionLookup sessions;  ///< of any session
  std::function<std::optional<std::string>(const std::string& job_id)> report_token;  ///< none: it has ended
  /// Access key and session token of a registry's login; nullopt when it is none.
  std::function<std::optional<http::Basic>(std::string_view authorization)> registry_login;
};

/// Thread-safe; outlives every exchange that came in.
class Door {
 public:
  Door(DoorOptions options, const Clock& clock);

  const std::string& host() const { return options_.host; }
  const auth::Authenticator& authenticator() const { return authenticator_; }

  /// The caller of a job's key; of a job that has ended, one whose time is over.
  std::optional<auth::Caller> session(std::string_view access_key);

  // What is under way may go on until the job ends; not at all when it has ended.
  std::optional<auth::Refusal> admit(http::Visit& visit, const auth::Judged& judged);
  bool admit_to_proxy(const http::Head& head);   ///< by Proxy-Authorization
  bool admit_to_images(const http::Head& head);  ///< by a registry's login

  /// Every visit of the job is over. Called once report_token() says so.
  void job_ended(const std::string& job_id);

 private:
  std::optional<std::string> living(const std::string& job_id);
  bool is_over(const auth::Caller& caller) const;
  bool admit(http::Visit& visit, const std::string& job_id);

  struct Entry {
    std::optional<std::string> token;  ///< of its reports; none: it was not asked for yet
    std::atomic<bool> over{false};
  };

  const DoorOptions options_;
  const Clock& clock_;
  std::mutex mutex_;
  std::unordered_map<std::string, std::shared_ptr<Entry>> entries_;  ///< of jobs that have called and live
  const auth::Authenticator authenticator_;
};

/// Is a request under /_sagelet/ one that nodes have?
bool is_for_nodes(const http::Head& head);

/// Of an anonymous request, whatever it asks for.
auth::Refusal unsigned_at_door();
/// Says of keys that would do elsewhere why they do not do here.
auth::Refusal explained(auth::Refusal refusal);

}  // namespace sagelet::gateway
