#pragma once
// CreateTrainingJob's input looked at: what is refused, what Describe echoes, what a runner is told.
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

/// What the model's constraints do not say: AWS's own refusals, in AWS's words.
Reply<void> refuse_nonsense(const Document& params);
/// "No S3 objects found under S3 URL ..." for the first channel that has none.
Reply<void> refuse_missing_data(const Document& params, ObjectsView& objects, const AccountId& account,
                                std::string_view region);

/// The request's part of Describe's answer, with the values that AWS fills in.
Document echo_of(const model::Shape& answer, const Document& params);

/// Why this server cannot run the job as asked, though AWS could: becomes its FailureReason.
std::optional<std::string> not_runnable(const Document& params);

/// What to run. Names, credentials and ids are the caller's to set.
jobs::Request request_of(const Document& params);

}  // namespace sagelet::sagemaker
