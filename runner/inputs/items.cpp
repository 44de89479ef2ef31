#include "runner/inputs/items.hpp"

#include <algorithm>

#include "fmt/format.h"
#include "runner/inputs/keys.hpp"
#include "runner/inputs/manifest.hpp"

namespace sagelet::runner {
namespace {

constexpr std::uint64_t kLongestManifest = 256u << 20;

Result<S3Location> place_of(const ChannelSpec& channel) {
  const auto place = S3Location::parse(channel.s3_uri);
  if (!place) return Error(ErrorKind::kInvalid, "not an S3 URI: " + channel.s3_uri);
  return *place;
}

Error nothing_under(const ChannelSpec& channel) {
  return Error(ErrorKind::kNotFound, "No S3 objects found under S3 URL \"" + channel.s3_uri + "\"");
}

Error bad_manifest(const ChannelSpec& channel, const Error& error) {
  return Error(error.kind(), fmt::format("invalid manifest {}: {}", channel.s3_uri, error.message()));
}

Result<std::vector<Item>> items_below(S3& s3, const ChannelSpec& channel) {
  TRY(const S3Location prefix, place_of(channel));
  std::vector<Item> items;
  TRY(s3.list(prefix, [&](std::vector<S3Object> page) -> Status {
    for (S3Object& object : page) {
      std::string name = local_name(prefix.key, object.key);
      if (name.empty() || is_placeholder(object.key, object.size)) continue;
      items.push_back({{prefix.bucket, std::move(object.key)}, std::move(name), object.size});
    }
    return {};
  }));
  if (items.empty()) return nothing_under(channel);
  return items;
}

Result<std::vector<Item>> items_in_manifest(S3& s3, const ChannelSpec& channel) {
  TRY(const S3Location place, place_of(channel));
  TRY(const std::string text, s3.read_whole(place, kLongestManifest));
  auto entries = parse_manifest(text);
  if (!entries) return bad_manifest(channel, entries.error());
  std::vector<Item> items;
  for (ManifestEntry& entry : *entries) {
    std::string name = local_name("", entry.name.empty() ? entry.place.key : entry.name);
    items.push_back({std::move(entry.place), std::move(name)});
  }
  if (items.empty()) return Error(ErrorKind::kInvalid, "the manifest " + channel.s3_uri + " lists no object");
  return items;
}

}  // namespace

Result<std::vector<Item>> items_of(S3& s3, const ChannelSpec& channel) {
  return channel.data_type == "ManifestFile" ? items_in_manifest(s3, channel) : items_below(s3, channel);
}

Result<std::vector<std::string>> lines_of_channel(S3& s3, const ChannelSpec& channel) {
  TRY(const S3Location place, place_of(channel));
  TRY(const std::string text, s3.read_whole(place, kLongestManifest));
  std::vector<std::string> lines = lines_of(text);
  if (lines.empty()) return Error(ErrorKind::kInvalid, "the manifest " + channel.s3_uri + " has no lines");
  for (std::size_t i = 0; i < lines.size(); ++i)
    if (const auto values = attributes_of(lines[i], channel.attribute_names); !values)
      return bad_manifest(channel, Error(values.error()).context(fmt::format("line {}", i + 1)));
  return lines;
}

Order order_of(const JobSpec& spec, const ChannelSpec& channel) {
  // Only the hosts of its instance groups share a channel.
  const std::vector<std::string>& hosts = channel.hosts.empty() ? spec.hosts : channel.hosts;
  Order order{.shuffle = channel.shuffle, .seed = channel.shuffle_seed};
  if (channel.distribution != "ShardedByS3Key") return order;
  order.hosts = std::max<std::size_t>(hosts.size(), 1);
  order.host =
      static_cast<std::size_t>(std::find(hosts.begin(), hosts.end(), spec.current_host) - hosts.begin());
  return order;
}

}  // namespace sagelet::runner
