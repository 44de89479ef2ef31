#include <sys/stat.h>

#include <algorithm>

#include "fmt/format.h"
#include "runner/inputs/downloads.hpp"
#include "runner/inputs/fast_file.hpp"
#include "runner/inputs/items.hpp"
#include "runner/inputs/pipes.hpp"
#include "runner/sandbox/enter.hpp"
#include "runner/steps/steps.hpp"

namespace sagelet::runner {
namespace {

std::string mode_of(const JobSpec& spec, const ChannelSpec& channel) {
  return channel.input_mode.empty() ? spec.input_mode : channel.input_mode;
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

/// Files: all of them, or this host's share.
Result<std::vector<Download>> plan(Job& job, const ChannelSpec& channel) {
  TRY(std::vector<Item> items, items_of(job.s3, channel));
  Order order = order_of(job.spec, channel);
  order.shuffle = false;  // files have no order
  const std::string folder = job.ml("input/data") / channel.name;
  std::vector<Download> downloads;
  for (const std::uint32_t i : order.of(items.size(), 0))
    downloads.push_back({std::move(items[i].from), folder + "/" + items[i].name});
  TRY(check_folders(downloads));
  return downloads;
}

Status serve_pipes(Job& job, const ChannelSpec& channel) {
  const std::string folder = job.ml("input/data");
  PipePlan plan{.path = folder + "/" + channel.name,
                .attributes = channel.attribute_names,
                .order = order_of(job.spec, channel),
                .gzip = channel.compression == "Gzip",
                .records = channel.record_wrapper == "RecordIO"};
  if (channel.data_type == "AugmentedManifestFile") {
    TRY(plan.content, lines_of_channel(job.s3, channel));
  } else {
    TRY(plan.content, items_of(job.s3, channel));
  }
  std::error_code none;
  fs::remove(plan.path, none);  // no folder in Pipe mode; left alone when something is in it
  if (!job.pipes) job.pipes = std::make_unique<Pipes>(job.server, job.stop, job.spec.folder);
  return job.pipes->add(std::move(plan));
}

/// nullptr when a channel can be mounted into the job's view, else why not.
const char* no_mount(const Job& job) {
  if (job.sandbox->is_container()) return "a container's folders are fixed before it starts";
  if (!job.sandbox->has_mounts() || job.sandbox->init_pid() == 0)
    return "this machine gives us no mount namespace";
  return nullptr;
}

std::string seen_folder(const Job& job, const ChannelSpec& channel) {
  return job.sandbox->base() + "/input/data/" + channel.name;
}

/// A folder of this machine, as it is: nothing is copied.
Status link_file_system(Job& job, const ChannelSpec& channel) {
  std::error_code error;
  if (!fs::is_directory(channel.file_system_path, error))
    return Error(ErrorKind::kNotFound, fmt::format("channel {}: the file system's folder {} is not there",
                                                   channel.name, channel.file_system_path));
  if (job.sandbox->is_container()) return {};  // the engine mounts it: settings.cpp
  if (!no_mount(job))
    return bind_inside(job.sandbox->init_pid(), channel.file_system_path, seen_folder(job, channel),
                       channel.file_system_read_only);
  const fs::path place = job.ml("input/data") / channel.name;
  fs::remove(place, error);
  fs::create_directory_symlink(channel.file_system_path, place, error);
  if (error) return Error(ErrorKind::kIo, fmt::format("{}: {}", place.string(), error.message()));
  if (channel.file_system_read_only)
    job.say(fmt::format("[sagelet] channel {}: {} is shown as it is; FileSystemAccessMode ro is not enforced",
                        channel.name, channel.file_system_path));
  return {};
}

/// Files that are read from S3 when the script reads them; an error: it cannot be done here.
Status mount_fast_file(Job& job, const ChannelSpec& channel) {
  if (const char* why = no_mount(job)) return Error(ErrorKind::kUnavailable, why);
  if (const char* why = FastFile::why_not()) return Error(ErrorKind::kUnavailable, why);
  TRY(std::vector<Item> items, items_of(job.s3, channel));
  Order order = order_of(job.spec, channel);
  order.shuffle = false;
  std::vector<Item> mine;
  for (const std::uint32_t i : order.of(items.size(), 0)) mine.push_back(std::move(items[i]));
  auto fuse = mount_fuse_inside(job.sandbox->init_pid(), seen_folder(job, channel));
  if (!fuse) return Error(ErrorKind::kUnavailable, "FUSE: " + fuse.error().message());
  TRY(auto served, FastFile::serve(std::move(*fuse), std::move(mine), job.server, job.stop));
  job.fast_files.push_back(std::move(served));
  return {};
}

bool is_for_us(const JobSpec& spec, const ChannelSpec& channel) {
  return channel.hosts.empty() ||
         std::find(channel.hosts.begin(), channel.hosts.end(), spec.current_host) != channel.hosts.end();
}

/// AWS's own text.
constexpr const char* kPartialPrefix =
    "Failed to download data. For FastFile mode, partial S3 prefix is not supported. Please provide a full "
    "S3 "
    "prefix: ";

/// S3Prefix only, and of that whole names of folders or objects only.
Status check_fast_file(Job& job, const ChannelSpec& channel) {
  if (channel.data_type != "S3Prefix")
    return Error(ErrorKind::kInvalid,
                 fmt::format("channel {}: FastFile mode needs S3DataType S3Prefix", channel.name));
  const auto place = S3Location::parse(channel.s3_uri);
  if (!place || place->key.empty() || place->key.ends_with('/')) return {};
  TRY(const std::vector<S3Object> below, job.s3.list({place->bucket, place->key + "/"}));
  if (!below.empty()) return {};
  TRY(const std::vector<S3Object> all, job.s3.list(*place));
  const bool partial = !all.empty() && all.front().key != place->key;
  return partial ? Status(Error(ErrorKind::kInvalid, kPartialPrefix + channel.s3_uri)) : Status();
}

/// The real mount is read-only and streams; a copy that cannot be written is what a script can tell of it.
void make_read_only(Job& job, const ChannelSpec& channel, const std::vector<Download>& downloads,
                    std::string_view why) {
  for (const Download& download : downloads) ::chmod(download.file.c_str(), 0444);
  job.say(
      fmt::format("[sagelet] channel {}: FastFile is served by a read-only copy ({})", channel.name, why));
}

Status serve_fast_file(Job& job, const ChannelSpec& channel) {
  TRY(check_fast_file(job, channel));
  const Status mounted = mount_fast_file(job, channel);
  if (mounted) {
    job.say(fmt::format("[sagelet] channel {}: FastFile streams from S3 (FUSE)", channel.name));
    return {};
  }
  if (!mounted.error().is(ErrorKind::kUnavailable)) return mounted;
  TRY(const std::vector<Download> downloads, plan(job, channel));
  TRY(download_all(downloads, job.server, &job.stop));
  make_read_only(job, channel, downloads, mounted.error().message());
  return {};
}

Status fetch(Job& job, const ChannelSpec& channel) {
  if (!channel.file_system_path.empty()) return link_file_system(job, channel);
  const std::string mode = mode_of(job.spec, channel);
  if (mode == "Pipe") return serve_pipes(job, channel);
  if (channel.data_type == "AugmentedManifestFile")
    return Error(ErrorKind::kInvalid,
                 fmt::format("channel {}: an AugmentedManifestFile needs InputMode Pipe", channel.name));
  if (mode == "FastFile") return serve_fast_file(job, channel);
  TRY(const std::vector<Download> downloads, plan(job, channel));
  return download_all(downloads, job.server, &job.stop);
}

}  // namespace

Status fetch_inputs(Job& job) {
  if (job.spec.channels.empty()) return {};
  job.report(Phase::kDownloading, "Downloading input data");
  for (const ChannelSpec& channel : job.spec.channels)
    if (is_for_us(job.spec, channel)) TRY(fetch(job, channel));
  return {};
}

}  // namespace sagelet::runner
