package dev.come.heal;

import dev.come.stack.LayerNode.Original;
import dev.come.stack.LayerStack;

/**
 * Where a stack is not the dense model.
 *
 * @param layers of the dense model
 */
record Edits(LayerStack stack, int layers) {
    /** The position of the first layer that is not followed by what follows it in the dense model. */
    int first() {
        int position = 0;
        while (position < stack.size() && stack.get(position).equals(new Original(position))
                && end(position) == position + 1) {
            position++;
        }
        return position;
    }

    /** The original layer before which the dense model has the state that the layer at a position should end in. */
    int end(int position) {
        return position < stack.size() ? LayerFit.end(stack, position, layers) : layers;
    }

    /** Whether a layer is merged, or lies before or after layers that were left out. */
    boolean isBesideCut(int position) {
        return isEdited(position) || (position > 0 && leavesOut(position - 1));
    }

    /** Whether layers are missing between this layer and the one after it, which is in the stack. */
    boolean isBeforeGap(int position) {
        return position + 1 < stack.size() && leavesOut(position);
    }

    private boolean isEdited(int position) {
        return stack.get(position).originals().count() > 1 || leavesOut(position);
    }

    /** Whether layers are missing after a layer. */
    private boolean leavesOut(int position) {
        return stack.get(position).originals().max().orElseThrow() + 1 != end(position);
    }
}
