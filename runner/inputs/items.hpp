#pragma once
// What a channel holds, in every S3DataType.
#include <vector>

#include "runner/calls/s3.hpp"
#include "runner/inputs/order.hpp"

namespace sagelet::runner {

/// An object, with the name it has below the channel's folder.
struct Item {
  S3Location from;
  std::string name;
  std::uint64_t size = 0;  ///< where a list told it
};

/// All objects of an S3Prefix or a ManifestFile, in key order or the manifest's.
Result<std::vector<Item>> items_of(S3& s3, const ChannelSpec& channel);
/// The lines of an AugmentedManifestFile, each checked to have the attributes.
Result<std::vector<std::string>> lines_of_channel(S3& s3, const ChannelSpec& channel);
/// How this host goes through them.
Order order_of(const JobSpec& spec, const ChannelSpec& channel);

}  // namespace sagelet::runner
