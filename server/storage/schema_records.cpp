#include "server/storage/migrations.hpp"

namespace sagelet::storage {

RoomSchema records_schema() {
  return {"records", {}};
}

}  // namespace sagelet::storage
