#include <sys/stat.h>

#include "runner/slurm/parts.hpp"
#include "runner/steps/archive.hpp"
#include "runner/steps/steps.hpp"

namespace sagelet::runner {
namespace {

Status store_archive(Job& job, S3& s3, std::string_view folder, const S3Location& place) {
  const std::string file = job.folder() / fs::path(place.key).filename();
  Status stored = write_archive(job.ml(folder), file);
  if (stored) stored = s3.upload(file, place);
  std::error_code none;
  fs::remove(file, none);  // half an archive, too: it may be what fills the disk
  return stored;
}

/// Each file as it is, below `place`.
Status store_plain(Job& job, S3& s3, std::string_view folder, const S3Location& place) {
  const fs::path root = job.ml(folder);
  TRY(const auto names, names_below(root));
  for (const std::string& name : names) {
    struct stat about;
    if (::lstat((root / name).c_str(), &about) != 0 || !S_ISREG(about.st_mode)) continue;
    TRY(s3.upload(root / name, {place.bucket, place.key + name}));
  }
  return {};
}

}  // namespace

Result<S3Location> output_place(const JobSpec& spec) {
  auto place = S3Location::parse(spec.output_uri);
  if (!place) return Error(ErrorKind::kInvalid, "not an S3 URI: " + spec.output_uri);
  if (!place->key.empty() && !place->key.ends_with('/')) place->key += '/';
  place->key += spec.name + "/output/";
  return *place;
}

Status store_outputs(Job& job) {
  if (job.one_of_many) return job.sends_parts ? send_parts(job) : Status();
  if (job.spec.output_uri.empty()) return {};
  job.report(Phase::kUploading, "Uploading generated training model");
  TRY(const S3Location place, output_place(job.spec));
  S3 s3(job.server, nullptr);  // a stop does not cut the upload short
  const auto at = [&](const char* name) { return S3Location{place.bucket, place.key + name}; };
  const bool plain = job.spec.output_compression == "NONE";
  TRY(const auto data, names_below(job.ml("output/data")));
  const bool has_data = !data.empty();
  if (plain) {
    TRY(store_plain(job, s3, "model", at("model/")));
    if (has_data) TRY(store_plain(job, s3, "output/data", at("data/")));
  } else {
    TRY(store_archive(job, s3, "model", at("model.tar.gz")));
    if (has_data) TRY(store_archive(job, s3, "output/data", at("output.tar.gz")));
  }
  job.model_uri = at(plain ? "model/" : "model.tar.gz").uri();
  return {};
}

}  // namespace sagelet::runner
