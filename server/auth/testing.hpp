#pragma once
// For this room's tests: heads written down, and the keys of AWS's published examples.
#include <initializer_list>
#include <string>
#include <utility>

#include "base/testing.hpp"
#include "base/time_text.hpp"
#include "server/auth/auth.hpp"

namespace sagelet::auth {

inline constexpr std::string_view kExampleKey = "AKIAIOSFODNN7EXAMPLE";
inline constexpr std::string_view kExampleSecret = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY";

inline http::Head head_of(std::string method, std::string target,
                          std::initializer_list<std::pair<std::string, std::string>> headers) {
  http::Head head;
  head.method = std::move(method);
  head.target = std::move(target);
  for (const auto& [name, value] : headers) head.headers.add(name, value);
  return head;
}

/// An Authenticator that knows the published examples' key (account 111111111111) and stands at a given time.
class Judge {
 public:
  Judge(Mode mode, std::string_view at, SessionLookup sessions = {})
      : clock_(parse_amz_date(at).value()), authenticator_(options(mode), std::move(sessions), clock_) {}

  tl::expected<Judged, Refusal> operator()(const http::Head& head) const {
    return authenticator_.judge(head);
  }
  /// S3's code of the refusal, "" when there is none.
  std::string code(const http::Head& head) const {
    const auto judged = authenticator_.judge(head);
    return judged ? "" : judged.error().code;
  }
  std::string json_code(const http::Head& head) const {
    const auto judged = authenticator_.judge(head);
    return judged ? "" : judged.error().json_code;
  }
  const Authenticator& authenticator() const { return authenticator_; }
  ManualClock& clock() { return clock_; }

 private:
  static Options options(Mode mode) {
    Options options;
    options.mode = mode;
    options.keys = {{std::string(kExampleKey), std::string(kExampleSecret), "111111111111", "main"},
                    {"AKMAIN", "s3cret", "222222222222", "other"}};
    return options;
  }

  ManualClock clock_;
  Authenticator authenticator_;
};

}  // namespace sagelet::auth
