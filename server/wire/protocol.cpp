#include "server/wire/protocol.hpp"

#include "server/wire/protocols.hpp"

namespace sagelet::wire {

const Protocol& protocol_of(model::ProtocolKind kind) {
  static const JsonRpc json10("application/x-amz-json-1.0");
  static const JsonRpc json11("application/x-amz-json-1.1");
  static const RestJson rest_json;
  static const RestXml rest_xml;
  static const QueryProtocol query;
  static const RpcCbor cbor;
  switch (kind) {
    case model::ProtocolKind::kJson10:
      return json10;
    case model::ProtocolKind::kJson11:
      return json11;
    case model::ProtocolKind::kRestJson:
      return rest_json;
    case model::ProtocolKind::kRestXml:
      return rest_xml;
    case model::ProtocolKind::kRpcCbor:
      return cbor;
    case model::ProtocolKind::kQuery:
    case model::ProtocolKind::kEc2:  // no EC2 service is pinned
      break;
  }
  return query;
}

const Protocol& protocol_of(const model::ServiceModel& service, const http::Head& head) {
  using model::ProtocolKind;
  if (service.protocol != ProtocolKind::kRpcCbor || head.headers.find("Smithy-Protocol"))
    return protocol_of(service.protocol);
  if (!head.headers.find("X-Amz-Target")) return protocol_of(ProtocolKind::kQuery);
  return protocol_of(service.json_version == "1.0" ? ProtocolKind::kJson10 : ProtocolKind::kJson11);
}

}  // namespace sagelet::wire
