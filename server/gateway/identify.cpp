#include "server/gateway/identify.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <vector>

namespace sagelet::gateway {

namespace {

std::string lower(std::string_view text) {
  std::string out(text);
  std::transform(out.begin(), out.end(), out.begin(), [](unsigned char c) { return std::tolower(c); });
  return out;
}

std::string_view without_port(std::string_view host) {
  if (host.starts_with('[')) return host.substr(0, host.find(']') + 1);
  return host.substr(0, host.find(':'));
}

bool take_suffix(std::string_view& text, std::string_view suffix) {
  if (!text.ends_with(suffix)) return false;
  text.remove_suffix(suffix.size());
  return true;
}

std::vector<std::string_view> labels_of(std::string_view name) {
  std::vector<std::string_view> labels;
  while (true) {
    const auto dot = name.find('.');
    labels.push_back(name.substr(0, dot));
    if (dot == std::string_view::npos) return labels;
    name.remove_prefix(dot + 1);
  }
}

/// us-east-1, cn-north-1, us-gov-west-1: three or four parts of which the last is a number.
bool is_region(std::string_view label) {
  const auto dash = label.rfind('-');
  if (dash == std::string_view::npos || dash + 1 == label.size()) return false;
  const auto number = label.substr(dash + 1);
  return std::all_of(number.begin(), number.end(), [](unsigned char c) { return std::isdigit(c); }) &&
         std::count(label.begin(), label.end(), '-') >= 2;
}

struct Alias {
  std::string_view wire, ours;
};
// Endpoint prefixes and signing names that differ from the names of our rooms.
constexpr std::array kAliases{
    Alias{"api.sagemaker", "sagemaker"},
    Alias{"runtime.sagemaker", "sagemaker_runtime"},
    Alias{"metrics.sagemaker", "sagemaker_metrics"},
    Alias{"featurestore-runtime.sagemaker", "featurestore_runtime"},
    Alias{"monitoring", "cloudwatch"},
    Alias{"api.ecr", "ecr"},
    Alias{"s3-external-1", "s3"},
};

std::string our_name(std::string_view wire) {
  for (const auto& alias : kAliases)
    if (alias.wire == wire) return std::string(alias.ours);
  return std::string(wire);
}

bool is_s3_label(std::string_view label) {
  return label == "s3" || label == "s3-external-1" || label == "s3-fips" ||
         (label.starts_with("s3-") && is_region(label.substr(3)));
}

std::string join(std::span<const std::string_view> labels) {
  std::string out;
  for (const auto label : labels) {
    if (!out.empty()) out += '.';
    out += label;
  }
  return out;
}

AwsName s3_name(std::span<const std::string_view> labels, std::size_t s3_at) {
  AwsName name{.service = "s3"};
  name.bucket = join(labels.subspan(0, s3_at));
  if (labels[s3_at].starts_with("s3-") && is_region(labels[s3_at].substr(3)))
    name.region = std::string(labels[s3_at].substr(3));
  for (const auto label : labels.subspan(s3_at + 1))
    if (is_region(label)) name.region = std::string(label);
  return name;
}

}  // namespace

std::optional<AwsName> parse_aws_name(std::string_view host) {
  const std::string name = lower(without_port(host));
  std::string_view rest = name;
  if (!take_suffix(rest, ".amazonaws.com") && !take_suffix(rest, ".amazonaws.com.cn")) return std::nullopt;
  const auto labels = labels_of(rest);
  for (std::size_t i = labels.size(); i-- > 0;)
    if (is_s3_label(labels[i])) return s3_name(labels, i);

  AwsName out;
  std::vector<std::string_view> service;
  for (const auto label : labels) {
    if (is_region(label)) {
      out.region = std::string(label);
    } else if (label != "dualstack") {
      service.push_back(label.ends_with("-fips") ? label.substr(0, label.size() - 5) : label);
    }
  }
  out.service = our_name(join(service));
  if (out.service.ends_with(".dkr.ecr")) out.service = "registry";
  return out;
}

std::string virtual_host_bucket(std::string_view host, std::string_view server_host) {
  const std::string name = lower(without_port(host));
  std::string_view rest = name;
  const bool ours = take_suffix(rest, ".localhost") ||
                    (!server_host.empty() && take_suffix(rest, "." + lower(server_host)));
  if (!ours || rest == "s3") return {};
  take_suffix(rest, ".s3");
  return std::string(rest);
}

namespace {

std::string service_of_target(std::string_view target_header) {
  const auto prefix = target_header.substr(0, target_header.find('.'));
  if (prefix == "SageMaker") return "sagemaker";
  if (prefix.starts_with("Logs_")) return "logs";
  if (prefix.starts_with("GraniteService")) return "cloudwatch";
  if (prefix.starts_with("AmazonEC2ContainerRegistry_")) return "ecr";
  return {};
}

bool is_form(const http::Head& head) {
  return head.method == "POST" && head.path() == "/" &&
         head.headers.get("content-type").starts_with("application/x-www-form-urlencoded");
}

std::string service_of(const http::Head& head, const std::optional<AwsName>& name,
                       std::string_view scope_service) {
  if (name) return name->service;
  if (const auto target = head.headers.find("x-amz-target"))
    if (auto service = service_of_target(*target); !service.empty()) return service;
  // SageMaker's runtime and metrics sign as "sagemaker" too, but have paths of their own.
  if (!scope_service.empty()) return our_name(scope_service);
  if (is_form(head)) return "sts";
  return "s3";
}

}  // namespace

Identified identify(const http::Head& head, std::string_view scope_service, std::string_view server_host) {
  const std::string_view host =
      head.peer.tunnel_host.empty() ? head.headers.get("host") : std::string_view(head.peer.tunnel_host);
  const auto name = parse_aws_name(host);
  Identified out{.service = service_of(head, name, scope_service), .target = head.target};
  if (name) out.region = name->region;
  if (out.service != "s3") return out;
  const std::string bucket = name ? name->bucket : virtual_host_bucket(host, server_host);
  if (!bucket.empty()) out.target = "/" + bucket + head.target;
  return out;
}

bool is_for_registry(const http::Head& head, std::string_view server_host) {
  const std::string_view host =
      head.peer.tunnel_host.empty() ? head.headers.get("host") : std::string_view(head.peer.tunnel_host);
  if (const auto name = parse_aws_name(host)) return name->service == "registry";
  const bool path = head.path() == "/v2" || head.path().starts_with("/v2/");
  return path && virtual_host_bucket(host, server_host).empty() &&
         !head.headers.get("authorization").starts_with("AWS");
}

}  // namespace sagelet::gateway
