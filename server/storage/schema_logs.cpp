#include "server/storage/migrations.hpp"

namespace sagelet::storage {

RoomSchema logs_schema() {
  return {"logs", {}};
}

}  // namespace sagelet::storage
