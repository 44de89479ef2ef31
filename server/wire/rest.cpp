#include "server/wire/rest.hpp"

#include "server/wire/bindings.hpp"
#include "server/wire/routes.hpp"

namespace sagelet::wire {

Match find_route(const model::ServiceModel& service, const http::Head& head, std::string_view target) {
  const RouteTable* table = RouteTable::of(service);
  return table != nullptr ? table->find(head, target) : RouteTable(service).find(head, target);
}

Reply<Document> with_body(Document params, const model::Shape* input, std::string_view body,
                          const ReadBody& read) {
  if (input == nullptr) return params;
  const model::Member* payload = input->payload;
  if (payload == nullptr) {
    if (!has_body_members(*input)) return params;
    TRY(const Document members, read(*input, body, true));
    params.update(members);
    return params;
  }
  if (body.empty() || payload->streaming || payload->shape->streaming) return params;
  Document& slot = params[std::string(payload->name)];
  if (payload->shape->kind == model::Kind::kBlob) {
    slot = Document::binary({body.begin(), body.end()});
  } else if (payload->shape->kind == model::Kind::kString) {
    slot = std::string(body);
  } else {
    TRY(slot, read(*payload->shape, body, false));
  }
  return params;
}

}  // namespace sagelet::wire
