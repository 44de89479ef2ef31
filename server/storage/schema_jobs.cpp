#include "server/storage/migrations.hpp"

namespace sagelet::storage {

RoomSchema jobs_schema() {
  return {"jobs", {}};
}

}  // namespace sagelet::storage
