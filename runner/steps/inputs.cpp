#include <sys/stat.h>

#include <algorithm>

#include "fmt/format.h"
#include "runner/inputs/downloads.hpp"
#include "runner/steps/steps.hpp"

namespace sagelet::runner {
namespace {

std::string mode_of(const JobSpec& spec, const ChannelSpec& channel) {
  return channel.input_mode.empty() ? spec.input_mode : channel.input_mode;
}

Status check(const JobSpec& spec, const ChannelSpec& channel) {
  const std::string mode = mode_of(spec, channel);
  if (mode != "File" && mode != "FastFile")
    return Error(ErrorKind::kInvalid,
                 fmt::format("channel {}: input mode {} is not supported yet; use File", channel.name, mode));
  if (channel.data_type != "S3Prefix")
    return Error(ErrorKind::kInvalid,
                 fmt::format("channel {}: S3DataType {} is not supported yet; use S3Prefix", channel.name,
                             channel.data_type));
  return {};
}

/// About 1/n of the objects for each of n hosts: in key order, object i goes to host i mod n.
void keep_shard(std::vector<Download>& downloads, const JobSpec& spec) {
  const auto mine = static_cast<std::size_t>(
      std::find(spec.hosts.begin(), spec.hosts.end(), spec.current_host) - spec.hosts.begin());
  std::size_t index = 0;
  std::erase_if(downloads, [&](const Download&) { return index++ % spec.hosts.size() != mine; });
}

/// Two keys like "a" and "a/b" cannot both be files; S3 allows it, a file system does not.
Status check_folders(const std::vector<Download>& downloads) {
  std::vector<std::string_view> files;
  for (const Download& download : downloads) files.push_back(download.file);
  std::sort(files.begin(), files.end());
  for (const std::string_view file : files)
    for (auto slash = file.rfind('/'); slash != file.npos && slash > 0; slash = file.rfind('/', slash - 1))
      if (std::binary_search(files.begin(), files.end(), file.substr(0, slash)))
        return Error(ErrorKind::kInvalid, fmt::format("an object's name is also the folder of another: {}",
                                                      file.substr(0, slash)));
  return {};
}

Result<std::vector<Download>> plan(Job& job, const ChannelSpec& channel) {
  TRY(check(job.spec, channel));
  const auto from = S3Location::parse(channel.s3_uri);
  if (!from) return Error(ErrorKind::kInvalid, "not an S3 URI: " + channel.s3_uri);
  TRY(std::vector<Download> downloads, downloads_below(job.s3, *from, job.ml("input/data") / channel.name));
  if (downloads.empty())
    return Error(ErrorKind::kNotFound, "No S3 objects found under S3 URL \"" + channel.s3_uri + "\"");
  if (channel.distribution == "ShardedByS3Key" && job.spec.hosts.size() > 1) keep_shard(downloads, job.spec);
  TRY(check_folders(downloads));
  return downloads;
}

/// The real mount is read-only and streams; a copy that cannot be written is what a script can tell of it.
void make_read_only(Job& job, const ChannelSpec& channel, const std::vector<Download>& downloads) {
  for (const Download& download : downloads) ::chmod(download.file.c_str(), 0444);
  job.say(fmt::format("[sagelet] channel {}: FastFile is served by a read-only copy", channel.name));
}

}  // namespace

Status fetch_inputs(Job& job) {
  if (job.spec.channels.empty()) return {};
  job.report(Phase::kDownloading, "Downloading input data");
  for (const ChannelSpec& channel : job.spec.channels) {
    TRY(const std::vector<Download> downloads, plan(job, channel));
    TRY(download_all(downloads, job.server, &job.stop));
    if (mode_of(job.spec, channel) == "FastFile") make_read_only(job, channel, downloads);
  }
  return {};
}

}  // namespace sagelet::runner
