/*
 * memo: a part that is drawn anew only when its properties say so.
 *
 * A node that Preact replaced keeps its last parent, and some ancestor's properties keep the very
 * first list: through both, every bubble that ever was in the page would stay in memory. So the
 * replaced node is told to forget its parent, which Preact calls `__` in all its builds.
 */
import { Component, type ComponentType, createElement, type VNode } from 'preact';

export function memo<Props extends object>(
  part: ComponentType<Props>,
  isSame: (a: Props, b: Props) => boolean,
): ComponentType<Props> {
  return class Memo extends Component<Props> {
    #drawn: VNode | null = null;
    #replaced: VNode | null = null;

    override shouldComponentUpdate(next: Readonly<Props>): boolean {
      return !isSame(this.props as Props, next as Props);
    }

    override componentDidUpdate(): void {
      if (this.#replaced) (this.#replaced as unknown as { __: null }).__ = null;
      this.#replaced = null;
    }

    override render(): VNode {
      this.#replaced = this.#drawn;
      this.#drawn = createElement(part as ComponentType<object>, this.props as Props);
      return this.#drawn;
    }
  };
}
