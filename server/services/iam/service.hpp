#pragma once
// IAM as far as a SageMaker user's code asks it: roles (any name is one) and whether an action is allowed (it
// is).
#include <memory>

#include "server/services/service.hpp"
#include "server/storage/ledger.hpp"

namespace sagelet::iam {

std::unique_ptr<Service> make_iam(storage::Ledger& ledger);

}  // namespace sagelet::iam
