#include "runner/calls/logs.hpp"

#include <nlohmann/json.hpp>

#include "base/clock.hpp"
#include "base/log.hpp"
#include "fmt/format.h"
#include "runner/script_mode/utf8.hpp"

namespace sagelet::runner {
namespace {

constexpr std::size_t kMostEvents = 10000;
constexpr std::uint64_t kMostBytes = 1048576;

std::string json_text(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\')
      (out += '\\') += c;
    else if (byte < 0x20)
      out += fmt::format("\\u{:04x}", byte);
    else
      out += c;
  }
  return out += '"';
}

struct Refusal {
  std::string type;      ///< without its namespace
  std::string expected;  ///< sequence token
};

Refusal refusal_of(const client::Response& answer) {
  const auto body = nlohmann::json::parse(answer.body, nullptr, false);
  if (!body.is_object()) return {};
  Refusal refusal;
  if (const auto type = body.find("__type"); type != body.end() && type->is_string()) refusal.type = *type;
  if (const auto hash = refusal.type.find('#'); hash != std::string::npos) refusal.type.erase(0, hash + 1);
  if (const auto token = body.find("expectedSequenceToken"); token != body.end() && token->is_string())
    refusal.expected = *token;
  return refusal;
}

}  // namespace

std::string put_log_events(std::string_view group, std::string_view stream, std::uint64_t accepted,
                           const std::vector<LogRecord>& records) {
  std::string body =
      fmt::format(R"({{"logGroupName":{},"logStreamName":{},"sequenceToken":"{:056}","logEvents":[)",
                  json_text(group), json_text(stream), accepted);
  for (std::size_t i = 0; i < records.size(); ++i) {
    const std::string& raw = records[i].text;
    body += fmt::format(R"({}{{"timestamp":{},"message":)", i > 0 ? "," : "", records[i].time_ms);
    body += is_utf8(raw) ? json_text(raw) : json_text(valid_utf8(raw));
    body += '}';
  }
  return body += "]}";
}

LogSender::LogSender(const JobSpec& spec)
    : server_(Server::of(spec)),
      group_(spec.log_group),
      stream_(spec.log_stream),
      spool_(spec.folder + "/spool", spec.log_spool_limit),
      accepted_(spool_.batches_found()),
      passed_over_(spool_.lines_found()) {
  if (spool_.has_waiting()) thread_ = std::thread([this] { run(); });
}

LogSender::~LogSender() {
  spool_.abandon();
  if (thread_.joinable()) thread_.join();
}

void LogSender::say(std::string_view text) {
  add(text, to_millis(SystemClock().now()), LogSpool::Of::kOurselves);
}

bool LogSender::line(std::string_view text, std::int64_t time_ms) {
  if (!text.empty() && passed_over_ > 0) {
    --passed_over_;
    return false;
  }
  add(text, time_ms, LogSpool::Of::kJob);
  return true;
}

void LogSender::add(std::string_view text, std::int64_t time_ms, LogSpool::Of of) {
  if (text.empty()) return;  // CloudWatch takes no empty message
  if (!thread_.joinable()) thread_ = std::thread([this] { run(); });
  spool_.append(time_ms, text, of);
}

void LogSender::finish() {
  spool_.close();
  if (thread_.joinable()) thread_.join();
}

void LogSender::run() {
  client::Http http;
  while (const auto batch = spool_.next(kMostEvents, kMostBytes)) {
    if (!batch->records.empty() && !deliver(http, *batch)) return spool_.abandon();
    spool_.acknowledge(*batch, accepted_);
  }
}

bool LogSender::deliver(client::Http& http, const LogSpool::Batch& batch) {
  for (int refusals = 0; refusals < 5;) {
    if (!stream_made_ && !create_stream(http)) return false;
    spool_.sending(batch, accepted_);
    const auto answer = call(http, "PutLogEvents", put_log_events(group_, stream_, accepted_, batch.records));
    if (!answer) return false;
    if (answer->status == 200) {
      ++accepted_;
      return true;
    }
    const Refusal refusal = refusal_of(*answer);
    if (refusal.type == "DataAlreadyAcceptedException") {
      ++accepted_;
      return true;
    }
    ++refusals;
    log::warn("PutLogEvents: {} {}", answer->status, answer->body.substr(0, 300));
    if (refusal.type == "InvalidSequenceTokenException")
      accepted_ = std::strtoull(refusal.expected.c_str(), nullptr, 10);
    else if (refusal.type == "ResourceNotFoundException")
      stream_made_ = false;
    else
      return answer->status != 403;  // this batch is refused for what it holds: go on without it
  }
  return false;
}

bool LogSender::create_stream(client::Http& http) {
  const std::string group = fmt::format(R"({{"logGroupName":{}}})", json_text(group_));
  const std::string stream =
      fmt::format(R"({{"logGroupName":{},"logStreamName":{}}})", json_text(group_), json_text(stream_));
  // The group is nearly always there: one call then, three for the first job of all.
  for (const auto& [operation, body] :
       {std::pair{"CreateLogStream", stream}, {"CreateLogGroup", group}, {"CreateLogStream", stream}}) {
    const auto answer = call(http, operation, body);
    if (!answer) return false;
    const std::string type = answer->status == 200 ? "" : refusal_of(*answer).type;
    const bool there = answer->status == 200 || type == "ResourceAlreadyExistsException";
    if (there && std::string_view(operation) == "CreateLogStream") return stream_made_ = true;
    if (!there && type != "ResourceNotFoundException") {
      log::error("{}: {} {}", operation, answer->status, answer->body.substr(0, 300));
      return false;
    }
  }
  return false;
}

Result<client::Response> LogSender::call(client::Http& http, std::string_view operation, std::string body) {
  client::Request request{.method = "POST", .url = server_.url + "/", .body = std::move(body)};
  request.headers = {{"Content-Type", "application/x-amz-json-1.1"},
                     {"X-Amz-Target", "Logs_20140328." + std::string(operation)}};
  return send(http, server_, nullptr, request, "logs");
}

}  // namespace sagelet::runner
