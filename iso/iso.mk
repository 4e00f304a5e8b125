# What GRUB boots from and what the kernel gets as its boot disk.
