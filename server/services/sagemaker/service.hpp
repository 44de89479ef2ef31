#pragma once
// SageMaker: training jobs, their tags, Search.
#include <chrono>
#include <memory>

#include "base/ids.hpp"
#include "server/jobs/jobs.hpp"
#include "server/services/ports.hpp"
#include "server/services/sagemaker/training_request.hpp"
#include "server/services/service.hpp"
#include "server/storage/ledger.hpp"

namespace sagelet::sagemaker {

/// What sagelet.yaml says to this room.
struct Options {
  FileSystems file_systems;
  std::filesystem::path warm_pools;  ///< holds a folder a warm pool
  std::chrono::milliseconds spot_interrupt_after{
      0};  ///< every spot job loses its first machine then; 0: never
};

/// What it works with; all outlive it.
struct Rooms {
  storage::Ledger& ledger;
  jobs::Jobs& jobs;
  ObjectsView& objects;
  CredentialStore& credentials;
  const Clock& clock;
  Ids& ids;
  Options options = {};
};

class SageMaker : public TableService {
 public:
  using TableService::TableService;
  /// For Jobs::listen("training", ...).
  virtual jobs::Listener& training_listener() = 0;
  /// After Jobs::adopt(): jobs that were told to stop when the server went are told again, and time goes on.
  virtual void resume() = 0;
  /// Takes the machine of a running spot job away, as a shortage of capacity would. kNotFound, or kInvalid
  /// when it is no running spot job.
  virtual Status interrupt(const AccountId& account, std::string_view region, const std::string& name) = 0;
  /// Handles what is due now (tests; else a thread does).
  virtual void run_due() = 0;
};

std::unique_ptr<SageMaker> make_sagemaker(Rooms rooms);

}  // namespace sagelet::sagemaker
