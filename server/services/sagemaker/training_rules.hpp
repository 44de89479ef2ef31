#pragma once
// What the model's constraints do not say about CreateTrainingJob: AWS's own refusals, in AWS's words where
// they are known.
#include <string_view>

#include "server/model/call.hpp"
#include "server/services/ports.hpp"

namespace sagelet::sagemaker {

/// Members that contradict each other.
Reply<void> refuse_nonsense(const Document& params);
/// "No S3 objects found under S3 URL ..." for the first channel that has none.
Reply<void> refuse_missing_data(const Document& params, ObjectsView& objects, const AccountId& account,
                                std::string_view region);

}  // namespace sagelet::sagemaker
