#include "server/wire/protocol.hpp"

#include "server/wire/protocols.hpp"

namespace sagelet::wire {

const Protocol& protocol_of(model::ProtocolKind kind) {
  static const JsonRpc json10("application/x-amz-json-1.0");
  static const JsonRpc json11("application/x-amz-json-1.1");
  static const RestJson rest_json;
  static const RestXml rest_xml;
  static const QueryProtocol query;
  switch (kind) {
    case model::ProtocolKind::kJson10:
      return json10;
    case model::ProtocolKind::kJson11:
      return json11;
    case model::ProtocolKind::kRestJson:
      return rest_json;
    case model::ProtocolKind::kRestXml:
      return rest_xml;
    case model::ProtocolKind::kQuery:
    case model::ProtocolKind::kEc2:  // no EC2 service is pinned
      break;
  }
  return query;
}

}  // namespace sagelet::wire
