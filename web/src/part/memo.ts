/*
 * memo: a part that is drawn anew only when its properties say so.
 */
import { Component, type ComponentType, createElement, type VNode } from 'preact';

export function memo<Props extends object>(
  part: ComponentType<Props>,
  isSame: (a: Props, b: Props) => boolean,
): ComponentType<Props> {
  return class Memo extends Component<Props> {
    override shouldComponentUpdate(next: Readonly<Props>): boolean {
      return !isSame(this.props as Props, next as Props);
    }

    override render(): VNode {
      return createElement(part as ComponentType<object>, this.props as Props);
    }
  };
}
