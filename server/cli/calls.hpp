#pragma once
// What client commands say to the server: the admin API, and AWS's own API like any other client.
#include <chrono>
#include <optional>
#include <string>

#include "base/result.hpp"
#include "client/http.hpp"
#include "nlohmann/json.hpp"
#include "server/cli/commands.hpp"

namespace sagelet::cli {

class Calls {
 public:
  explicit Calls(Target target) : target_(std::move(target)) {}

  /// /_sagelet/<name>. kUnavailable says that nobody answers and how to start one.
  Result<std::string> admin(const std::string& method, const std::string& name,
                            std::chrono::minutes patience = std::chrono::minutes(1));
  Result<nlohmann::json> admin_json(const std::string& name);

  /// An operation of SageMaker or CloudWatch Logs (JSON 1.1). An AWS error is kNotFound for unknown things,
  /// else kInvalid, with AWS's own message.
  Result<nlohmann::json> sagemaker(const std::string& operation, const nlohmann::json& params);
  /// An operation on one training job, which need not be there.
  Result<nlohmann::json> job(const std::string& operation, const std::string& name);
  Result<nlohmann::json> logs(const std::string& operation, const nlohmann::json& params);

  const std::string& url() const { return target_.url; }

 private:
  Result<client::Response> send(const client::Request& request);
  Result<nlohmann::json> call(const std::string& service, const std::string& target,
                              const nlohmann::json& params);
  /// AWS_REGION of this shell, else the server's own.
  Result<std::string> region();

  Target target_;
  client::Http http_;
  std::optional<std::string> region_;
};

/// A member as text: strings as they are, numbers without a needless ".0", null and missing as "".
std::string member(const nlohmann::json& object, const char* name);

}  // namespace sagelet::cli
