#include "server/services/sagemaker/run_credentials.hpp"

#include <chrono>

namespace sagelet::sagemaker {

namespace {

constexpr std::chrono::hours kLongestJob{30 * 24};

}  // namespace

storage::Change give_credentials(const Rooms& rooms, JobSpec& spec) {
  const auto credentials = rooms.credentials.make(AccountId(spec.account), spec.role_arn, "SageMaker",
                                                  spec.job_id, rooms.clock.now() + kLongestJob);
  spec.access_key = credentials.access_key;
  spec.secret_key = credentials.secret_key;
  spec.session_token = credentials.session_token;
  spec.credentials_expire_ms = to_millis(credentials.expires);
  return rooms.credentials.keeping(credentials);
}

}  // namespace sagelet::sagemaker
