# SPDX-License-Identifier: BSL-1.0
"""What tools/bench is made of; one module a job."""
