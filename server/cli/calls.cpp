#include "server/cli/calls.hpp"

#include <cstdlib>

#include "fmt/format.h"

namespace sagelet::cli {

namespace {

using nlohmann::json;

constexpr auto kDefaultUrl = "http://127.0.0.1:4577";
constexpr auto kDummy = "sagelet";

std::string from_environment(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? std::string() : value;
}

/// Of this shell when it has some (strict servers want them), else dummies: lax servers take any.
client::Credentials credentials(std::string region) {
  client::Credentials out{from_environment("AWS_ACCESS_KEY_ID"), from_environment("AWS_SECRET_ACCESS_KEY"),
                          from_environment("AWS_SESSION_TOKEN"), std::move(region)};
  if (out.access_key.empty() || out.secret_key.empty())
    out.access_key = out.secret_key = kDummy, out.session_token = "";
  return out;
}

Error not_ours(const std::string& url) {
  return Error(ErrorKind::kUnavailable,
               fmt::format("what answers at {} is not sagelet. Give another --url, or start a "
                           "server on another port: sagelet serve --port 4578",
                           url));
}

Error aws_error(const client::Response& response) {
  const auto body = json::parse(response.body, nullptr, false);
  if (!body.is_object())
    return Error(ErrorKind::kInternal, fmt::format("the server answered {}", response.status));
  const auto message = member(body, "message").empty() ? member(body, "Message") : member(body, "message");
  const bool missing =
      message.find("not found") != std::string::npos || message.find("not exist") != std::string::npos;
  return Error(missing ? ErrorKind::kNotFound : ErrorKind::kInvalid,
               fmt::format("{}: {}", member(body, "__type"), message));
}

}  // namespace

Target target_of(const std::string& url_option) {
  std::string url = url_option.empty() ? from_environment("SAGELET_URL") : url_option;
  if (url.empty()) url = kDefaultUrl;
  if (url.find("://") == std::string::npos) url = "http://" + url;
  while (url.ends_with('/')) url.pop_back();
  return {std::move(url)};
}

Result<client::Response> Calls::send(const client::Request& request) {
  auto response = http_.send(request);
  if (response) return response;
  if (!response.error().is(ErrorKind::kUnavailable) && !response.error().is(ErrorKind::kTimeout))
    return response;
  return Error(ErrorKind::kUnavailable,
               fmt::format("nobody answers at {} ({}). Start a server there with: sagelet serve", target_.url,
                           response.error().message()));
}

Result<std::string> Calls::admin(const std::string& method, const std::string& name,
                                 std::chrono::minutes patience) {
  client::Request request;
  request.method = method;
  request.url = target_.url + "/_sagelet/" + name;
  request.idle_timeout = patience;
  TRY(auto response, send(request));
  if (response.status == 200) return std::move(response.body);
  const auto text = response.body.substr(0, response.body.find('\n'));
  if (response.status == 404 || text.starts_with('<')) return not_ours(target_.url);
  return Error(ErrorKind::kInternal, fmt::format("{} answered {}: {}", request.url, response.status, text));
}

Result<json> Calls::admin_json(const std::string& name) {
  TRY(const auto text, admin("GET", name));
  auto parsed = json::parse(text, nullptr, false);
  if (!parsed.is_object()) return not_ours(target_.url);
  return parsed;
}

Result<std::string> Calls::region() {
  if (region_) return *region_;
  region_ = from_environment("AWS_REGION");
  if (region_->empty()) region_ = from_environment("AWS_DEFAULT_REGION");
  if (region_->empty()) {
    region_.reset();
    TRY(const auto status, admin_json("status"));
    region_ = member(status, "region");
  }
  return *region_;
}

Result<json> Calls::call(const std::string& service, const std::string& target, const json& params) {
  client::Request request;
  request.method = "POST";
  request.url = target_.url + "/";
  request.headers = {{"Content-Type", "application/x-amz-json-1.1"}, {"X-Amz-Target", target}};
  request.body = params.dump();
  TRY(auto in, region());
  client::sign(request, credentials(std::move(in)), service);
  TRY(const auto response, send(request));
  if (response.status != 200) return aws_error(response);
  if (response.body.empty()) return json::object();
  auto parsed = json::parse(response.body, nullptr, false);
  if (!parsed.is_object()) return not_ours(target_.url);
  return parsed;
}

Result<json> Calls::sagemaker(const std::string& operation, const json& params) {
  return call("sagemaker", "SageMaker." + operation, params);
}

Result<json> Calls::job(const std::string& operation, const std::string& name) {
  auto answer = sagemaker(operation, {{"TrainingJobName", name}});
  if (answer || !answer.error().is(ErrorKind::kNotFound)) return answer;
  return Error(ErrorKind::kNotFound,
               fmt::format("no training job is named {}: sagelet jobs lists them", name));
}

Result<json> Calls::logs(const std::string& operation, const json& params) {
  return call("logs", "Logs_20140328." + operation, params);
}

std::string member(const json& object, const char* name) {
  const auto found = object.is_object() ? object.find(name) : object.end();
  if (found == object.end() || found->is_null()) return {};
  if (found->is_string()) return found->get<std::string>();
  if (found->is_number_float()) return fmt::format("{}", found->get<double>());
  return found->dump();
}

}  // namespace sagelet::cli
