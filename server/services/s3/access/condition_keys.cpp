#include "server/services/s3/access/condition_keys.hpp"

#include <algorithm>
#include <array>
#include <string>

#include "server/services/s3/access/wildcards.hpp"

namespace sagelet::s3 {

namespace {

using namespace std::string_view_literals;

constexpr std::array kOfS3{
    "s3:accessgrantsinstancearn"sv,
    "s3:accesspointnetworkorigin"sv,
    "s3:accesspointtag"sv,
    "s3:authtype"sv,
    "s3:bucketnamespace"sv,
    "s3:buckettag"sv,
    "s3:dataaccesspointaccount"sv,
    "s3:dataaccesspointarn"sv,
    "s3:delimiter"sv,
    "s3:destinationregion"sv,
    "s3:existingobjecttag"sv,
    "s3:if-match"sv,
    "s3:if-none-match"sv,
    "s3:inventoryaccessibleoptionalfields"sv,
    "s3:isreplicationpauserequest"sv,
    "s3:jobsuspendedcause"sv,
    "s3:locationconstraint"sv,
    "s3:max-keys"sv,
    "s3:object-lock-legal-hold"sv,
    "s3:object-lock-mode"sv,
    "s3:object-lock-remaining-retention-days"sv,
    "s3:object-lock-retain-until-date"sv,
    "s3:objectcreationoperation"sv,
    "s3:prefix"sv,
    "s3:requestobjecttag"sv,
    "s3:requestobjecttagkeys"sv,
    "s3:resourceaccount"sv,
    "s3:signatureage"sv,
    "s3:signatureversion"sv,
    "s3:tlsversion"sv,
    "s3:versionid"sv,
    "s3:x-amz-acl"sv,
    "s3:x-amz-bucket-namespace"sv,
    "s3:x-amz-content-sha256"sv,
    "s3:x-amz-copy-source"sv,
    "s3:x-amz-grant-full-control"sv,
    "s3:x-amz-grant-read"sv,
    "s3:x-amz-grant-read-acp"sv,
    "s3:x-amz-grant-write"sv,
    "s3:x-amz-grant-write-acp"sv,
    "s3:x-amz-metadata-directive"sv,
    "s3:x-amz-object-ownership"sv,
    "s3:x-amz-server-side-encryption"sv,
    "s3:x-amz-server-side-encryption-aws-kms-key-id"sv,
    "s3:x-amz-server-side-encryption-customer-algorithm"sv,
    "s3:x-amz-storage-class"sv,
    "s3:x-amz-website-redirect-location"sv,
};

/// As AWS lists them under "the meaning of public".
constexpr std::array kOfCallers{
    "aws:principalaccount"sv,  "aws:principalarn"sv,
    "aws:principalorgid"sv,    "aws:principalorgpaths"sv,
    "aws:sourceaccount"sv,     "aws:sourcearn"sv,
    "aws:sourceip"sv,          "aws:sourceorgid"sv,
    "aws:sourceowner"sv,       "aws:sourcevpc"sv,
    "aws:sourcevpce"sv,        "aws:userid"sv,
    "aws:vpcsourceip"sv,       "s3:dataaccesspointaccount"sv,
    "s3:dataaccesspointarn"sv, "s3:x-amz-server-side-encryption-aws-kms-key-id"sv,
};

}  // namespace

bool known_condition_key(std::string_view key) {
  const auto name = condition_key(key);
  const auto bare = std::string_view(name).substr(0, name.find('/'));
  if (!bare.starts_with("s3:"))
    return bare.find(':') != bare.npos && bare.front() != ':' && bare.back() != ':';
  return std::find(kOfS3.begin(), kOfS3.end(), bare) != kOfS3.end();
}

bool key_of_caller(std::string_view key) {
  return std::find(kOfCallers.begin(), kOfCallers.end(), key) != kOfCallers.end();
}

}  // namespace sagelet::s3
