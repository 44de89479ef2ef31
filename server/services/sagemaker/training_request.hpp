#pragma once
// CreateTrainingJob's input turned into what Describe echoes and what a runner is told.
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "server/jobs/jobs.hpp"
#include "server/model/call.hpp"
#include "server/services/ports.hpp"

namespace sagelet::sagemaker {

struct S3Uri {
  std::string bucket, prefix;
  static std::optional<S3Uri> parse(std::string_view uri);
};

/// FileSystemId, or "*" for any, to the local folder that stands for it (sagelet.yaml's file_systems).
using FileSystems = std::map<std::string, std::filesystem::path>;

/// The request's part of Describe's answer, with the values that AWS fills in.
Document echo_of(const model::Shape& answer, const Document& params);

/// What to run. Names, credentials and ids are the caller's to set. The error is why this server cannot run
/// the job as asked, though AWS could: it becomes the FailureReason.
Result<jobs::Request> request_of(const Document& params, const FileSystems& file_systems);

}  // namespace sagelet::sagemaker
