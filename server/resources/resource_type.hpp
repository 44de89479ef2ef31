#pragma once
// A noun as data: what the engine must know to keep, name, list and tag it.
#include <string>
#include <string_view>

#include "server/resources/records.hpp"
#include "server/services/service.hpp"

namespace sagelet::resources {

/// One row of a service's table. In texts, {name} and {arn} are the resource's.
struct ResourceType {
  std::string_view noun;      ///< "TrainingJob": Create<noun>, Describe<noun>, Delete<noun>; kind of record
  std::string_view plural;    ///< "TrainingJobs": List<plural>
  std::string_view arn_part;  ///< "training-job/": in front of the name
  std::string_view name_member;  ///< "TrainingJobName"
  std::string_view arn_member;   ///< "TrainingJobArn"
  std::string_view list_member;  ///< "TrainingJobSummaries"
  SortBy default_sort = SortBy::kCreationTime;
  bool default_descending = false;
  std::string_view missing_code = "ValidationException";
  std::string_view missing_text = "Requested resource not found.";
  std::string_view duplicate_code = "ValidationException";
  std::string_view duplicate_text;

  Scope scope(const Context& context) const;
  /// arn:aws:sagemaker:<region>:<account>:<arn_part><name>
  std::string arn(const Context& context, std::string_view name) const;
  api::Error missing(const Context& context, std::string_view name) const;
  api::Error duplicate(const Context& context, std::string_view name) const;
};

/// The part behind arn:aws:sagemaker:<region>:<account>: of an ARN of the caller's own region and account;
/// else "".
std::string_view own_part(const Context& context, std::string_view arn);

}  // namespace sagelet::resources
