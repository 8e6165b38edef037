import { type ConnectionQuality, ConnectionQualityInfo, ConnectionQualityUpdate } from '@livekit/protocol';
import { qualityOf } from './connection-quality.js';
import type { RoomMember } from './member.js';

/** Tells the members of a room how their connections are, and those of the others whom they see. */
export class QualityReports {
  /** What those who know anything were told, by the ids of participants. */
  #told = new Map<string, ConnectionQuality>();

  /** Looks at the connections; says what has changed, and everything to those who are new. To be called every few seconds. */
  report(members: Iterable<RoomMember>, nowUs: number): void {
    const all = [...members].map((member) => ({ member, info: measure(member, nowUs) }));
    const changed = all.filter(({ member, info }) => this.#told.get(member.sid) !== info.quality);
    for (const { member, info } of all) {
      const due = this.#told.has(member.sid) ? changed : all;
      const visible = due.filter((one) => !one.member.hidden || one.info === info);
      if (visible.length === 0) continue;
      const updates = visible.map((one) => one.info);
      member.send({ case: 'connectionQuality', value: new ConnectionQualityUpdate({ updates }) });
    }
    this.#told = new Map(all.map(({ member, info }) => [member.sid, info.quality]));
  }
}

function measure(member: RoomMember, nowUs: number): ConnectionQualityInfo {
  const score = member.measureQuality(nowUs);
  return new ConnectionQualityInfo({ participantSid: member.sid, quality: qualityOf(score), score });
}
