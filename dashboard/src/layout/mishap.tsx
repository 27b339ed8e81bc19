// What shows in place of a page that broke, or of a part of one, which is a fault of ours.
import { Component, type ComponentChildren } from "preact";

export class Mishap extends Component<
  { children: ComponentChildren; instead?: ComponentChildren },
  { broken: boolean }
> {
  override state = { broken: false };

  static override getDerivedStateFromError() {
    return { broken: true };
  }

  override componentDidCatch(error: unknown) {
    console.error(error);
  }

  override render() {
    if (!this.state.broken) return this.props.children;
    if (this.props.instead) return this.props.instead;
    return (
      <main class="door">
        <div class="card" role="alert">
          <h1>This page broke</h1>
          <p class="muted">That is a fault of the dashboard, and nothing of yours is lost.</p>
          <button type="button" class="primary" onClick={() => location.reload()}>
            Load it again
          </button>
        </div>
      </main>
    );
  }
}
