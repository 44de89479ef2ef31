#pragma once
// SageMaker's nouns as data: a row each.
#include <array>

#include "server/resources/resource_type.hpp"

namespace sagelet::sagemaker {

inline constexpr resources::ResourceType kTrainingJob{
    .noun = "TrainingJob",
    .plural = "TrainingJobs",
    .arn_part = "training-job/",
    .name_member = "TrainingJobName",
    .arn_member = "TrainingJobArn",
    .list_member = "TrainingJobSummaries",
    .duplicate_code = "ResourceInUse",
    .duplicate_text =
        "Job name must be unique within an AWS account and region, and a training job with this name already "
        "exists "
        "({arn})",
};

inline constexpr std::array kNouns{&kTrainingJob};

}  // namespace sagelet::sagemaker
