#pragma once
// What AWS takes as a LifecycleConfiguration, and how it words what it does not take.
#include "server/model/call.hpp"

namespace sagelet::s3::lifecycle {

constexpr const char* kLeastMovedMember = "TransitionDefaultMinimumObjectSize";
constexpr const char* kAllStorageClasses = "all_storage_classes_128K";

/// The LifecycleConfiguration of PutBucketLifecycleConfiguration's members.
Reply<Document> checked_configuration(const Document& params);

}  // namespace sagelet::s3::lifecycle
