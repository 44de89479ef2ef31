#include "runner/slurm/parts.hpp"

#include <array>

#include "base/log.hpp"
#include "runner/script_mode/unpack.hpp"
#include "runner/steps/archive.hpp"
#include "runner/steps/steps.hpp"

namespace sagelet::runner {
namespace {

/// A folder below ml/ and the name of its archive.
struct Part {
  const char* folder;
  const char* name;
};
constexpr std::array<Part, 2> kParts{{{"model", "model.part"}, {"output/data", "data.part"}}};

Result<S3Location> place_of_parts(const JobSpec& spec) {
  TRY(S3Location place, output_place(spec));
  place.key += ".hosts-" + spec.job_id + "/";
  return place;
}

S3Location place_of(S3Location place, const std::string& host, const Part& part) {
  place.key += host + "/" + part.name;
  return place;
}

/// Half an archive, too: it may be what fills the disk.
Status and_remove(const std::string& file, Status done) {
  std::error_code none;
  fs::remove(file, none);
  return done;
}

Status unpack_part(const std::string& file, const std::string& folder) {
  const auto warn = [](const std::string& text) { log::warn("{}", text); };
  return script_mode::unpack(file, folder, warn, {.bytes = ~0ull, .entries = ~0ull, .links_anywhere = true});
}

}  // namespace

Status send_parts(Job& job) {
  if (job.spec.output_uri.empty()) return {};
  TRY(const S3Location place, place_of_parts(job.spec));
  S3 s3(job.server, nullptr);  // a stop does not cut the upload short
  for (const Part& part : kParts) {
    TRY(const auto names, names_below(job.ml(part.folder)));
    if (names.empty()) continue;
    const std::string file = job.folder() / part.name;
    Status sent = write_archive(job.ml(part.folder), file);
    if (sent) sent = s3.upload(file, place_of(place, job.spec.current_host, part));
    TRY(and_remove(file, std::move(sent)));
  }
  return {};
}

Status fetch_parts(Job& job, const std::string& host) {
  if (job.spec.output_uri.empty()) return {};
  TRY(const S3Location place, place_of_parts(job.spec));
  S3 s3(job.server, nullptr);
  const fs::path folder = job.folder() / host;
  TRY(make_folders(folder / "ml", 0700));
  for (const Part& part : kParts) {
    const S3Location from = place_of(place, host, part);
    TRY(const auto there, s3.first(from));
    if (!there) continue;
    const std::string file = folder / part.name;
    Status fetched = s3.download(from, file);
    if (fetched) fetched = unpack_part(file, folder / "ml" / part.folder);
    TRY(and_remove(file, std::move(fetched)));
  }
  return {};
}

Status remove_parts(Job& job) {
  if (job.spec.output_uri.empty()) return {};
  TRY(const S3Location place, place_of_parts(job.spec));
  S3 s3(job.server, nullptr);
  std::vector<S3Location> all;
  TRY(s3.list(place, [&](const std::vector<S3Object>& page) -> Status {
    for (const S3Object& object : page) all.push_back({place.bucket, object.key});
    return {};
  }));
  for (const S3Location& one : all) TRY(s3.remove(one));
  return {};
}

}  // namespace sagelet::runner
