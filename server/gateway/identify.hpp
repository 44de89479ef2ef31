#pragma once
// Which service a request is for, told from its head alone: the name it was sent to, X-Amz-Target, the
// signature's scope, the body's type; what is left is S3, which alone owns arbitrary paths.
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "server/http/message.hpp"

namespace sagelet::gateway {

/// A name under amazonaws.com taken apart.
struct AwsName {
  std::string
      service;  ///< our short name (s3, sagemaker, ..., registry for <account>.dkr.ecr.*) or the first label
  std::string region;  ///< empty for global names
  std::string bucket;  ///< virtual-host style S3
};
/// nullopt for any other name. Case and a trailing port are ignored.
std::optional<AwsName> parse_aws_name(std::string_view host);

/// The bucket when `host` names one in front of a name of ours: b.localhost, b.s3.localhost, b.<server_host>.
std::string virtual_host_bucket(std::string_view host, std::string_view server_host);

struct Identified {
  std::string service;  ///< short name
  std::string region;   ///< from the host; empty when it says none
  std::string target;   ///< the request's target, with a virtual-host bucket put in front of the path
};
Identified identify(const http::Head& head, std::string_view scope_service, std::string_view server_host);

/// Is it for the image registry: sent to the name of one, or to /v2/... without a service's signature. No
/// bucket can be meant by that path: names of buckets have three characters.
bool is_for_registry(const http::Head& head, std::string_view server_host);

}  // namespace sagelet::gateway
