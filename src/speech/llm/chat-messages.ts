import type { Message } from '../language-model.js';

/** Messages as OpenAI's API for chat completions has them. Who said what is told where there are several. Pure. */
export function chatMessages(messages: readonly Message[]): object[] {
  const isNamed = new Set(messages.map(nameOf).filter((name) => name !== '')).size > 1;
  return messages.map((message) => {
    switch (message.role) {
      case 'user':
        return {
          role: 'user',
          content: isNamed && nameOf(message) !== '' ? `${nameOf(message)}: ${message.text}` : message.text,
        };
      case 'tool':
        return { role: 'tool', tool_call_id: message.callId, content: message.text };
      default:
        return {
          role: message.role,
          content: message.text,
          ...(message.calls && {
            tool_calls: message.calls.map(({ id, name, arguments: argument }) => ({
              id,
              type: 'function',
              function: { name, arguments: argument },
            })),
          }),
        };
    }
  });
}

/**
 * Messages as a text to read: a paragraph each, with who said it in front; what is all that was said is told without. Pure.
 */
export function messagesText(messages: readonly Message[]): string {
  const told = messages.filter(({ text }) => text !== '');
  const isConversation = told.filter(({ role }) => role !== 'system').length > 1;
  const paragraphs = told.map((message) =>
    isConversation && message.role !== 'system' ? `${speakerOf(message)}: ${message.text}` : message.text,
  );
  return `${paragraphs.join('\n\n')}\n`;
}

function nameOf(message: Message): string {
  return message.role === 'user' ? (message.name ?? '') : '';
}

function speakerOf(message: Message): string {
  if (message.role === 'user') return nameOf(message) === '' ? 'User' : nameOf(message);
  return message.role === 'tool' ? 'Tool' : 'Assistant';
}
