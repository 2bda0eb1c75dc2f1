import type { Info } from './api.ts';
import { copyOnClick, find } from './dom.ts';

/** Puts another channel into the SQL. */
export type ShowChannel = (channel: string) => void;

/** Shows what people paste into psql; the SQL comes with the channel that is to be notified. */
export function startSql({ databaseUrl, databaseChannel }: Info): ShowChannel {
  showConnect(`psql '${databaseUrl.replaceAll("'", '%27')}'`);
  const showNotify = snippet('notify');
  const showTrigger = snippet('trigger');

  return (channel) => {
    showNotify(notifySql(literal(databaseChannel), literal(channel)));
    showTrigger(triggerSql(literal(databaseChannel), literal(channel)));
  };
}

function showConnect(command: string): void {
  const shown = find(document, '#sql-connect code', HTMLElement);
  const reveal = find(document, '#sql-reveal', HTMLButtonElement);

  const render = () => {
    shown.textContent = reveal.ariaPressed === 'true' ? command : withoutPassword(command);
  };
  reveal.addEventListener('click', () => {
    reveal.ariaPressed = `${reveal.ariaPressed !== 'true'}`;
    render();
  });
  render();
  copyOnClick(find(document, '#sql-connect .copy', HTMLButtonElement), () => command);
}

function snippet(name: 'notify' | 'trigger'): (sql: string) => void {
  const code = find(document, `#sql-${name} code`, HTMLElement);
  const button = find(document, `#sql-${name} .copy`, HTMLButtonElement);
  copyOnClick(button, () => code.textContent);
  return (sql) => {
    code.textContent = sql;
  };
}

function withoutPassword(text: string): string {
  return text.replace(/(:\/\/[^:@/]*:)[^@]*(?=@)/, '$1••••••');
}

function literal(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}

function notifySql(databaseChannel: string, channel: string): string {
  return `select pg_notify(
  ${databaseChannel},
  json_build_object(
    'channel', ${channel},
    'payload', 'Hello from SQL'
  )::text
);`;
}

function triggerSql(databaseChannel: string, channel: string): string {
  return `create table if not exists orders (
  id   bigint generated always as identity primary key,
  item text not null
);

create or replace function notify_order() returns trigger
language plpgsql as $$
begin
  perform pg_notify(
    ${databaseChannel},
    json_build_object(
      'channel', ${channel},
      'event',   'OrderPlaced',
      'payload', row_to_json(new)
    )::text
  );
  return new;
end
$$;

create or replace trigger order_placed
  after insert on orders
  for each row execute function notify_order();

insert into orders (item) values ('lamp oil');`;
}
