package dev.come.model;

import static org.assertj.core.api.Assertions.assertThat;

import dev.come.NativeObjects;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.junit.jupiter.api.Test;

class WorkspaceTests {
    private static final Compute COMPUTE = Compute.float32(1);

    @Test
    void aNameGivesTheSameMemoryInWhateverShapeThatFits() {
        try (Workspace workspace = new Workspace(COMPUTE); var _ = new PointerScope()) {
            Tensor first = workspace.floats("a", 4, 6);
            for (long[] shape : new long[][]{{4, 6}, {2, 3, 4}, {5}, {4, 6}}) {
                Tensor next = workspace.floats("a", shape);
                assertThat(next.shape()).containsExactly(shape);
                assertThat(next.data_ptr().address()).isEqualTo(first.data_ptr().address());
            }
            assertThat(workspace.floats("b", 4, 6).data_ptr().address()).isNotEqualTo(first.data_ptr().address());
        }
    }

    @Test
    void aLargerTensorOrAnotherTypeLeavesTheOneBeforeValid() {
        try (Workspace workspace = new Workspace(COMPUTE); var _ = new PointerScope()) {
            Tensor first = workspace.floats("a", 2).fill_(new Scalar(1.0));
            Tensor larger = workspace.floats("a", 1000, 3).fill_(new Scalar(2.0));
            Tensor narrow = workspace.tensor("a", ScalarType.BFloat16, 2).fill_(new Scalar(3.0));
            assertThat(narrow.scalar_type().intern()).isEqualTo(ScalarType.BFloat16);
            assertThat(Tensors.floats(first)).containsOnly(1);
            assertThat(Tensors.floats(larger)).hasSize(3000).containsOnly(2);
            assertThat(Tensors.floats(narrow)).containsOnly(3);
        }
    }

    @Test
    void aClosedWorkspaceGivesEverythingBack() {
        NativeObjects.assertSteady(() -> {
            try (Workspace workspace = new Workspace(COMPUTE); var _ = new PointerScope()) {
                workspace.floats("a", 2, 3);
                workspace.floats("a", 3, 2);
                workspace.floats("a", 30, 2);
                workspace.tensor("a", ScalarType.BFloat16, 1);
                workspace.number(0.5);
            }
        });
    }
}
