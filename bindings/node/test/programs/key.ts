// A program that exits while a key is asked for, which never comes.
import { Manager } from 'llmq';

const base_url = process.argv[2] as string;
const manager = new Manager(
  { models: [{ name: 'm', provider: 'openai', base_url }] },
  {
    keys: () => {
      console.log('asked');
      setImmediate(() => process.exit(7));
      return new Promise(() => undefined);
    },
  },
);
manager.submit({ model: 'm', payload: { messages: [] } }).catch(() => undefined);
