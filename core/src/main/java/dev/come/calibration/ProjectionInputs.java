package dev.come.calibration;

import dev.come.model.LayerObserver;
import dev.come.model.Part;
import org.bytedeco.pytorch.MemoryFormatOptional;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;

/** What goes into one projection of a layer, and the residual stream between the halves. */
final class ProjectionInputs implements LayerObserver {
    private final Part projection;
    private final Tensor inputs;
    private final Tensor between;
    private final boolean watchesBetween;
    private long rows;

    /**
     * Makes room, of the current PointerScope.
     *
     * @param hidden the residual stream
     * @param width of what goes into the projection
     * @param always whether the residual stream between the halves is wanted also for a projection of the first
     */
    ProjectionInputs(Part projection, Tensor hidden, long width, boolean always) {
        this.projection = projection;
        this.watchesBetween = always || projection == Part.DOWN;
        this.inputs = torch.empty(new long[]{hidden.size(0), width}, hidden.options(), new MemoryFormatOptional());
        this.between = torch.empty_like(hidden);
    }

    @Override
    public void attentionOutput(Tensor x) {
        keep(Part.OUTPUT, x);
    }

    @Override
    public void afterAttention(Tensor hidden) {
        if (watchesBetween) {
            between.copy_(hidden);
        }
    }

    @Override
    public void feedForwardChannels(Tensor x) {
        keep(Part.DOWN, x);
    }

    private void keep(Part part, Tensor x) {
        if (part == projection) {
            inputs.narrow(0, rows, x.size(0)).copy_(x);
            rows += x.size(0);
        }
    }

    /** What went into the projection, {@code (tokens, width)}. */
    Tensor inputs() {
        return inputs;
    }

    /** The residual stream between the halves of the layer, {@code (tokens, hidden)}; undefined where it was not wanted. */
    Tensor between() {
        return between;
    }
}
