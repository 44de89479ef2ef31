#pragma once
// SageMaker: training jobs, their tags, Search.
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
  /// After Jobs::adopt(): jobs that were told to stop when the server went are told again.
  virtual void resume() = 0;
};

std::unique_ptr<SageMaker> make_sagemaker(Rooms rooms);

}  // namespace sagelet::sagemaker
