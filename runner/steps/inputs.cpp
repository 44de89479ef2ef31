#include <sys/stat.h>

#include <algorithm>

#include "fmt/format.h"
#include "runner/inputs/downloads.hpp"
#include "runner/inputs/fast_file.hpp"
#include "runner/inputs/items.hpp"
#include "runner/inputs/pipes.hpp"
#include "runner/steps/steps.hpp"

namespace sagelet::runner {
namespace {

std::string mode_of(const JobSpec& spec, const ChannelSpec& channel) {
  return channel.input_mode.empty() ? spec.input_mode : channel.input_mode;
}

/// Files: all of them, or this host's share, while the list still comes.
Status download_files(Job& job, const ChannelSpec& channel) {
  const Order order = order_of(job.spec, channel);  // shuffled or not: files have no order
  const std::string folder = job.ml("input/data") / channel.name;
  Downloads downloads(job.server, &job.stop);
  std::size_t i = 0;
  TRY(each_item(job.s3, channel, job.spec.folder, [&](Item item) -> Status {
    if (!order.is_mine(i++)) return {};
    return downloads.add({std::move(item.from), folder + "/" + item.name});
  }));
  return downloads.finish();
}

Status serve_pipes(Job& job, const ChannelSpec& channel) {
  const std::string folder = job.ml("input/data");
  PipePlan plan{.path = folder + "/" + channel.name,
                .content = {},
                .attributes = channel.attribute_names,
                .order = order_of(job.spec, channel),
                .gzip = channel.compression == "Gzip",
                .records = channel.record_wrapper == "RecordIO"};
  if (channel.data_type == "AugmentedManifestFile") {
    TRY(plan.content, lines_of(job.s3, channel, job.spec.folder));
  } else {
    TRY(plan.content, items_of(job.s3, channel, Order(), job.spec.folder));
  }
  std::error_code none;
  fs::remove(plan.path, none);  // no folder in Pipe mode; left alone when something is in it
  if (!job.pipes) job.pipes = std::make_unique<Pipes>(job.server, job.stop, job.spec.folder);
  return job.pipes->add(std::move(plan));
}

std::string seen_folder(const Job& job, const ChannelSpec& channel) {
  return job.sandbox->base() + "/input/data/" + channel.name;
}

/// A folder of this machine, as it is: nothing is copied.
Status link_file_system(Job& job, const ChannelSpec& channel) {
  std::error_code error;
  if (!fs::is_directory(channel.file_system_path, error))
    return Error(
        ErrorKind::kNotFound,
        fmt::format(
            "channel {}: the file system's folder {} is not there{}", channel.name, channel.file_system_path,
            job.spec.on_node() ? "; nodes of a Slurm cluster need it mounted under the same path" : ""));
  const Status shown = job.sandbox->show_folder(channel.file_system_path, seen_folder(job, channel),
                                                channel.file_system_read_only);
  if (shown || !shown.error().is(ErrorKind::kUnavailable)) return shown;
  const fs::path place = job.ml("input/data") / channel.name;
  fs::remove(place, error);
  fs::create_directory_symlink(channel.file_system_path, place, error);
  if (error) return Error(ErrorKind::kIo, fmt::format("{}: {}", place.string(), error.message()));
  if (channel.file_system_read_only)
    job.say(fmt::format("[sagelet] channel {}: {} is shown as it is; FileSystemAccessMode ro is not enforced",
                        channel.name, channel.file_system_path));
  return {};
}

/// Files that are read from S3 when the script reads them; kUnavailable: it cannot be done here.
Status mount_fast_file(Job& job, const ChannelSpec& channel) {
  if (const char* why = FastFile::why_not()) return Error(ErrorKind::kUnavailable, why);
  TRY(ItemList items, items_of(job.s3, channel, order_of(job.spec, channel), job.spec.folder));
  TRY(UniqueFd fuse, job.sandbox->mount_fuse(seen_folder(job, channel)));
  TRY(auto served, FastFile::serve(std::move(fuse), std::move(items), job.server, job.stop));
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
  TRY(const auto below, job.s3.first({place->bucket, place->key + "/"}));
  if (below) return {};
  TRY(const auto first, job.s3.first(*place));
  const bool partial = first && first->key != place->key;
  return partial ? Status(Error(ErrorKind::kInvalid, kPartialPrefix + channel.s3_uri)) : Status();
}

/// The real mount is read-only and streams; a copy that cannot be written is what a script can tell of it.
Status make_read_only(const fs::path& folder) {
  std::error_code error;
  fs::recursive_directory_iterator item(folder, error), end;
  for (; !error && item != end; item.increment(error))
    if (item->is_regular_file(error)) ::chmod(item->path().c_str(), 0444);
  if (error) return Error(ErrorKind::kIo, fmt::format("{}: {}", folder.string(), error.message()));
  return {};
}

Status serve_fast_file(Job& job, const ChannelSpec& channel) {
  TRY(check_fast_file(job, channel));
  const Status mounted = mount_fast_file(job, channel);
  if (mounted) {
    job.say(fmt::format("[sagelet] channel {}: FastFile streams from S3 (FUSE)", channel.name));
    return {};
  }
  if (!mounted.error().is(ErrorKind::kUnavailable)) return mounted;
  TRY(download_files(job, channel));
  job.say(fmt::format("[sagelet] channel {}: FastFile is served by a read-only copy ({})", channel.name,
                      mounted.error().message()));
  return make_read_only(job.ml("input/data") / channel.name);
}

Status fetch(Job& job, const ChannelSpec& channel) {
  if (!channel.file_system_path.empty()) return link_file_system(job, channel);
  const std::string mode = mode_of(job.spec, channel);
  if (mode == "Pipe") return serve_pipes(job, channel);
  if (channel.data_type == "AugmentedManifestFile")
    return Error(ErrorKind::kInvalid,
                 fmt::format("channel {}: an AugmentedManifestFile needs InputMode Pipe", channel.name));
  if (mode == "FastFile") return serve_fast_file(job, channel);
  return download_files(job, channel);
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
