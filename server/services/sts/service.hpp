#pragma once
// STS: who am I, and session credentials.
#include <memory>

#include "server/services/ports.hpp"
#include "server/services/service.hpp"

namespace sagelet::sts {

std::unique_ptr<Service> make_sts(CredentialStore& credentials);

}  // namespace sagelet::sts
