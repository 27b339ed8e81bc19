// Figures of a page beside one another, each with its name.
export function Figures({ figures }: { figures: [title: string, value: string, about?: string][] }) {
  return (
    <dl class="figures">
      {figures.map(([title, value, about]) => (
        <div key={title} title={about}>
          <dt>{title}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  );
}
